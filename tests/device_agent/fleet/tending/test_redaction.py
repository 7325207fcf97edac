import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.fleet.tending.redaction import GONE, redacted, scrubbed

SECRET = secrets.token_hex(12)
AWS_KEY = "AK" + "IA" + "ABCD" * 4
KIND = " EC PRIVATE " + "KEY-----"  # put together here, so that no file holds what looks like a key
END = f"-----END{KIND}"
PEM = f"-----BEGIN{KIND}\nMHcCAQEE{SECRET}\n{END}"


@pytest.mark.parametrize(
    "text",
    [
        f"https://bucket.s3.amazonaws.com/b.tar?X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}",
        f'{{"url": "https://host/x?sig={SECRET}"}}',
        f"mqtt://user:{SECRET}@broker:1883/topic",
        f"password={SECRET}",
        f'"Password": "{SECRET}"',
        f"export AWS_SECRET_ACCESS_KEY={SECRET}",
        f"api-key: {SECRET}",
        f"clientAccessToken='{SECRET}'",
        PEM,
        PEM.removesuffix(END),
    ],
    ids=["presigned", "json", "user", "named", "quoted", "exported", "dashed", "camel", "key", "cut-key"],
)
def test_a_planted_secret_does_not_leave(text) -> None:
    clean, found = scrubbed(f"before {text}\nafter".encode())
    assert SECRET.encode() not in clean
    assert found >= 1
    assert clean.startswith(b"before ")


def test_an_access_key_is_known_by_its_form() -> None:
    assert scrubbed(f"id {AWS_KEY} end".encode()) == (f"id {GONE} end".encode(), 1)


@pytest.mark.parametrize("text", ["spool.append took 3 ms", "keys: 4, tokens used 5", "https://host/path", "sensor ok"])
def test_ordinary_text_stays_as_it_is(text) -> None:
    assert scrubbed(text.encode()) == (text.encode(), 0)


def test_a_document_keeps_the_names_of_its_files_and_loses_its_secrets() -> None:
    document = {
        "uplink": {"private_key": "/etc/k.pem", "pkcs11": {"pin_file": "/etc/pin", "token": "label"}},
        "sensors": [{"type": "mqtt", "password": SECRET, "token_file": "/etc/t"}],
        "claim_key": "/etc/c.pem",
    }
    kept = redacted(document)
    assert kept["sensors"] == [{"type": "mqtt", "password": GONE, "token_file": "/etc/t"}]
    assert kept["uplink"]["pkcs11"]["pin_file"] == "/etc/pin"
    assert SECRET not in str(kept)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data) -> None:
    scrubbed(data)
