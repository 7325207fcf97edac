"""Signatures are checked here or in another process, with the same answers (one suite for both)."""

import base64
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device_agent.errors import UpdateError
from device_agent.fleet.trust import TrustStore, UntrustedError
from device_agent.fleet.trust.ed25519 import CheckError, Claim, check_apart, check_here

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()


def claim(data=b"data", public=PUBLIC):
    return Claim(public, base64.b64encode(KEY.sign(data)).decode())


@pytest.mark.parametrize("check", [check_here, check_apart])
def test_each_claim_gets_its_answer(check):
    order = 2**252 + 27742317777372353535851937790883648493
    good = base64.b64decode(claim().signature)
    twin = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    claims = [
        claim(),
        claim(b"other"),
        claim(public="00" * 32),
        Claim(PUBLIC, "A" * 86 + "=="),
        Claim(PUBLIC, "not base64"),
        Claim(PUBLIC, base64.b64encode(twin).decode()),
    ]
    assert check(b"data", claims) == [True, False, False, False, False, False]


def test_no_answer_is_no_refusal(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CheckError):
        check_apart(b"data", [claim()])


def test_a_bundle_that_cannot_be_checked_now_may_be_tried_again(world):
    def silent(_data, _claims):
        raise CheckError("no answer")

    world.store = TrustStore(world.folder / "trust", world.root_file, silent)
    with pytest.raises(UpdateError) as caught:
        world.take(world.bundle())
    assert not isinstance(caught.value, UntrustedError)


def test_trust_loads_neither_the_cryptography_nor_the_configuration():
    program = (
        "import sys; import device_agent.fleet.trust as trust; "
        "print([name for name in ('cryptography', 'numpy', 'awscrt', 'device_agent.config') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
