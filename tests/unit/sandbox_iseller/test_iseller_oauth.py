"""Tokens of the sandbox iSeller."""

from tests.unit.sandbox_iseller.stand import standing


async def test_a_token_opens_the_reads_of_the_url_that_came_with_it() -> None:
    """The resource_url of a grant is where its access token is good."""
    async with standing() as stand:
        status, grant = await stand.grant(grant_type="client_credentials")
        assert status == 200
        assert grant["token_type"] == "bearer"
        assert grant["resource_url"] == stand.url
        assert (await stand.read("/api/v3/GetOutlets", grant["access_token"], time_zone="7"))[0] == 200


async def test_a_refresh_token_works_once() -> None:
    """The second use of a refresh token is refused, the one that came in its place is good."""
    async with standing() as stand:
        _, first = await stand.grant(grant_type="client_credentials")
        status, second = await stand.grant(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert status == 200
        again = await stand.grant(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert again == (400, {"error": "invalid_grant"})
        assert (await stand.grant(grant_type="refresh_token", refresh_token=second["refresh_token"]))[0] == 200


async def test_an_expired_token_is_answered_401_until_it_is_refreshed() -> None:
    """Access ends on the sandbox's clock; the refresh token outlives it."""
    async with standing(access_token_seconds=60) as stand:
        _, grant = await stand.grant(grant_type="client_credentials")
        stand.clock.advance(59)
        assert (await stand.read("/api/v3/GetOutlets", grant["access_token"], time_zone="7"))[0] == 200
        stand.clock.advance(1)
        status, envelope = await stand.read("/api/v3/GetOutlets", grant["access_token"], time_zone="7")
        assert (status, envelope["status"]) == (401, False)
        _, fresh = await stand.grant(grant_type="refresh_token", refresh_token=grant["refresh_token"])
        assert (await stand.read("/api/v3/GetOutlets", fresh["access_token"], time_zone="7"))[0] == 200


async def test_a_wrong_client_gets_no_token() -> None:
    """A client secret that is not the store's is refused."""
    async with standing() as stand:
        assert (await stand.grant(grant_type="client_credentials", client_secret="another"))[0] == 401


async def test_an_authorization_code_works_once() -> None:
    """The code of the consent page buys one grant."""
    async with standing(authorization_code="made-up-code") as stand:
        assert (await stand.grant(grant_type="authorization_code", code="made-up-code"))[0] == 200
        assert (await stand.grant(grant_type="authorization_code", code="made-up-code"))[0] == 400
