"""The environment is read once, checked as a whole, and gives away no secret."""

from pathlib import Path

import msgspec
import pytest

from service.settings import (
    PREFIX,
    Settings,
    SettingsError,
    database_settings_from,
    settings_from,
    settings_table,
)

PASSWORD = "correct-horse"
TOKEN = "battery-staple-0123"
NEEDED = {
    "DATABASE_URL": f"postgresql://owner:{PASSWORD}@127.0.0.1:5432/ledger",
    "JURNALSYNC_API_TOKEN": TOKEN,
    "JURNALSYNC_SEALING_KEY_FILE": "/etc/jurnalsync/sealing.key",
}


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    """Return what is wrong with `environment`."""
    with pytest.raises(SettingsError) as refused:
        settings_from(environment)
    return refused.value.problems


def test_what_is_not_set_has_its_documented_default() -> None:
    """Three variables are enough to serve."""
    settings = settings_from(NEEDED)
    assert settings.database_url.reveal() == NEEDED["DATABASE_URL"]
    assert settings.api_token.reveal() == TOKEN
    assert settings.sealing_key_file == Path("/etc/jurnalsync/sealing.key")
    assert (settings.jurnal_date_skew_seconds, settings.jurnal_processing_allowance_seconds) == (300, 120)
    assert (settings.jurnal_quiet_period_seconds, settings.jurnal_deadline_seconds, settings.lease_seconds) == (
        None,
        90,
        10,
    )
    assert settings.webhook_stale_seconds_max == 7 * 86_400
    assert settings.jurnal_proxy is None


def test_a_variable_sets_its_field_with_its_type() -> None:
    """Text from the environment becomes numbers where numbers are meant."""
    given = {"JURNALSYNC_LISTEN_PORT": "0", "JURNALSYNC_LEASE_SECONDS": "12.5", "JURNALSYNC_LOG_LEVEL": "debug"}
    settings = settings_from(NEEDED | given)
    assert (settings.listen_port, settings.lease_seconds, settings.log_level) == (0, 12.5, "debug")


def test_our_own_database_variable_wins_over_the_common_one() -> None:
    """DATABASE_URL is what platforms inject; JURNALSYNC_DATABASE_URL is what somebody meant for us."""
    ours = "postgresql://127.0.0.1/ours"
    assert settings_from(NEEDED | {"JURNALSYNC_DATABASE_URL": ours}).database_url.reveal() == ours


def test_an_empty_role_keeps_the_logins_own_and_an_empty_proxy_is_none() -> None:
    """Chart templates write empty variables for what is not wanted."""
    settings = settings_from(NEEDED | {"JURNALSYNC_DATABASE_ROLE": "", "JURNALSYNC_JURNAL_PROXY": ""})
    assert (settings.database_role, settings.jurnal_proxy) == ("", None)


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    """Mounted secrets usually end in a newline that belongs to nobody."""
    mounted = tmp_path / "token"
    mounted.write_text(f"{TOKEN}-mounted\n")
    environment = {name: value for name, value in NEEDED.items() if name != "JURNALSYNC_API_TOKEN"}
    settings = settings_from(environment | {"JURNALSYNC_API_TOKEN_FILE": str(mounted)})
    assert settings.api_token.reveal() == f"{TOKEN}-mounted"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    """Which of the two counts would be a guess."""
    found = problems_of(NEEDED | {"JURNALSYNC_API_TOKEN_FILE": str(tmp_path / "token")})
    assert found == ("JURNALSYNC_API_TOKEN and JURNALSYNC_API_TOKEN_FILE are both set: remove one of them",)


def test_a_secret_file_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A missing mount is the most frequent mistake of a first deployment."""
    (found,) = problems_of(NEEDED | {"JURNALSYNC_DATABASE_URL_FILE": str(tmp_path / "absent")})
    assert found.startswith("JURNALSYNC_DATABASE_URL_FILE names a file that cannot be read (FileNotFoundError)")
    assert "mount the file or correct the path" in found


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    """A misspelt setting must not silently leave the default."""
    (found,) = problems_of(NEEDED | {"JURNALSYNC_LEASE_SECOND": "5"})
    assert found.startswith("JURNALSYNC_LEASE_SECOND is no setting; the nearest is JURNALSYNC_LEASE_SECONDS:")


@pytest.mark.parametrize(("follow_wait", "least"), [("0.2", 4.8), ("0.5", 6), ("5", 24)])
def test_a_lease_that_runs_out_while_its_owner_rests_is_refused_with_the_least_that_works(
    follow_wait: str, least: float
) -> None:
    """Twice a rest for the quota and two looks: what is looked at just before half of its life is renewed in time."""
    given = NEEDED | {"JURNALSYNC_FOLLOW_WAIT_SECONDS": follow_wait}
    assert settings_from(given | {"JURNALSYNC_LEASE_SECONDS": f"{least}"}).lease_seconds == least
    (found,) = problems_of(given | {"JURNALSYNC_LEASE_SECONDS": f"{least - 0.1}"})
    assert found.startswith(f"JURNALSYNC_LEASE_SECONDS must be at least {least:g} where JURNALSYNC_FOLLOW_WAIT_SECONDS")
    assert "raise the first or lower the second" in found


def test_variables_of_others_and_of_the_test_command_are_left_alone() -> None:
    """Only our prefix is ours, and what ./test is told is not for the service."""
    assert settings_from(NEEDED | {"PATH": "/bin", "JURNALSYNC_TEST_STAGES": "lint"}).listen_port == 8080


@pytest.mark.parametrize(
    ("variable", "value", "shape"),
    [
        ("JURNALSYNC_LISTEN_PORT", "70000", "a whole number from 0 to 65535"),
        ("JURNALSYNC_LISTEN_PORT", "http", "a whole number from 0 to 65535"),
        ("JURNALSYNC_LEASE_SECONDS", "0", "a number above 0"),
        ("JURNALSYNC_LEASE_SECONDS", "nan", "a number above 0"),
        ("JURNALSYNC_SWEEP_LOCAL_HOUR", "24", "a whole number from 0 to 23"),
        ("JURNALSYNC_LOG_LEVEL", "loud", "one of debug, error, info, warning"),
        ("JURNALSYNC_JURNAL_BASE_URL", "https://api.mekari.com/", "without a final slash"),
        ("JURNALSYNC_API_TOKEN", "short", "at least 16 visible ASCII characters"),
        ("JURNALSYNC_DATABASE_URL", "mysql://127.0.0.1/x", "postgresql://"),
        ("JURNALSYNC_EGRESS_ADDRESS", "", "a name of up to 100 characters"),
    ],
)
def test_a_wrong_value_is_answered_with_variable_shape_and_what_to_do(variable: str, value: str, shape: str) -> None:
    """Whoever deploys can mend it from the message alone."""
    (found,) = problems_of(NEEDED | {variable: value})
    assert found.startswith(f"{variable} must be ")
    assert shape in found
    assert "correct it" in found


def test_every_problem_is_told_at_once() -> None:
    """Nobody restarts a pod once per mistake; a required variable that is empty counts as not set."""
    found = problems_of({"JURNALSYNC_SEALING_KEY_FILE": "", "JURNALSYNC_LISTEN_PORT": "x", "JURNALSYNC_PORTS": "1"})
    assert {problem.split(" ", 1)[0] for problem in found} == {
        "JURNALSYNC_PORTS",
        "JURNALSYNC_DATABASE_URL",
        "JURNALSYNC_API_TOKEN",
        "JURNALSYNC_SEALING_KEY_FILE",
        "JURNALSYNC_LISTEN_PORT",
    }


def test_migrating_needs_the_database_alone() -> None:
    """The migration job has no API token and no sealing key."""
    settings = database_settings_from({"DATABASE_URL": NEEDED["DATABASE_URL"]})
    assert settings.database_role == "jurnalsync_service"


def test_no_secret_shows_in_repr_text_json_or_errors() -> None:
    """A secret is shown to whoever calls `reveal`, and nowhere else."""
    proxy = f"http://user:{PASSWORD}@127.0.0.1:3128"
    settings = settings_from(NEEDED | {"JURNALSYNC_JURNAL_PROXY": proxy})
    assert settings.jurnal_proxy is not None
    assert settings.jurnal_proxy.reveal() == proxy
    shown = [repr(settings), str(settings), f"{settings.api_token}", msgspec.json.encode(settings, enc_hook=repr)]
    shown += problems_of({"JURNALSYNC_LISTEN_PORT": TOKEN, "JURNALSYNC_API_TOKEN": f"{TOKEN} {PASSWORD}"})
    for text in map(str, shown):
        assert PASSWORD not in text
        assert TOKEN not in text


def test_the_table_has_one_row_for_every_setting_with_its_meaning() -> None:
    """The README's table is made from the fields themselves."""
    rows = [line.split(" | ") for line in settings_table().splitlines()[2:]]
    fields = [field.name for field in msgspec.structs.fields(Settings)]
    assert [row[0].split("`")[1] for row in rows] == [PREFIX + name.upper() for name in fields]
    assert all(len(row) == 4 and row[3].removesuffix(" |").strip() for row in rows)
