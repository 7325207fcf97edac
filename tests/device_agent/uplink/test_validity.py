"""What the gateway says of its certificate, compared with what a full parser reads."""

import base64
import datetime as dt
import logging
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.uplink.validity import LOOK_EVERY_S, CertificateWatch, Validity, complaint, read_validity
from tests.device_agent.uplink.certificates import certificate_text

DAY_S = 86_400
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


@pytest.mark.parametrize("years", [1, 22, 30, 75])
def test_both_times_are_those_of_a_full_parser(years: int) -> None:
    text = certificate_text(NOW, NOW.replace(year=NOW.year + years))
    full = x509.load_pem_x509_certificate(text.encode())

    found = read_validity("a comment\n" + text)

    assert found.begins_s == full.not_valid_before_utc.timestamp()
    assert found.ends_s == full.not_valid_after_utc.timestamp()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error_and_nothing_worse(rubbish: bytes) -> None:
    text = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(rubbish).decode() + "-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError, match=r"."):
        read_validity(text)


@pytest.mark.parametrize(
    ("days", "said"),
    [(400, ""), (31, ""), (29.5, "expires in 29 days, on 2026-12-23"), (-1, "expired on 2026-11-23")],
)
def test_a_month_before_its_end_it_warns(days: float, said: str) -> None:
    now = NOW.timestamp()
    found = complaint(Validity(0, now + days * DAY_S), now)

    assert said in found
    assert bool(found) is bool(said)


def test_a_clock_before_its_beginning_is_suspected() -> None:
    now = NOW.timestamp()

    assert "is the clock right?" in complaint(Validity(now + DAY_S, now + 400 * DAY_S), now)


def test_a_clock_that_was_never_set_says_nothing_about_it() -> None:
    assert complaint(Validity(NOW.timestamp(), NOW.timestamp() + DAY_S), 3600.0) == ""


def test_it_is_said_once_and_seen_again_when_the_file_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, now_s = tmp_path / "gw.pem", 0.0
    path.write_text(certificate_text(NOW - dt.timedelta(days=300), NOW + dt.timedelta(days=20)))
    watch = CertificateWatch(path, wall_s=lambda: NOW.timestamp() + now_s, monotonic_s=lambda: now_s)
    with caplog.at_level(logging.WARNING):
        for _ in range(5 * 24 * 60):
            assert "expires in" in watch.status().warning
            now_s += LOOK_EVERY_S
    assert len(caplog.records) == 1

    path.write_text(certificate_text(NOW, NOW + dt.timedelta(days=365)))
    assert watch.status().warning == ""
    assert watch.status().ends == "2027-11-24T00:00:00Z"


def test_a_file_that_is_gone_is_a_warning(tmp_path: Path) -> None:
    watch = CertificateWatch(tmp_path / "gw.pem", wall_s=lambda: 1.8e9, monotonic_s=lambda: 0.0)

    assert "No such file" in watch.status().warning
