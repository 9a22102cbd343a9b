"""What the credentials table holds, by reference. Facts name these references and fingerprints, never a value."""

ISELLER_API_KEY = "iseller-api-key"
ISELLER_OAUTH = "iseller-oauth"
JURNAL_HMAC = "jurnal-hmac"
