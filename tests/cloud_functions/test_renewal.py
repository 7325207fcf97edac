"""Whose certificate is renewed, and when the old one goes."""

import hashlib

import pytest

from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.adapters.memory_registry import MemoryOrders, MemoryRegistry
from cloud_functions.core.renewal import Asked, Made, Renewal
from contract.certificates import CertificateAnswer, CertificateRequest, Verb

GATEWAY, OLD = "gw-1", "0" * 64


class Office:
    def __init__(self) -> None:
        self.registry, self.orders, self.table = MemoryRegistry(self._sign), MemoryOrders(), MemoryTable()
        self.registry.put(GATEWAY, OLD)
        self.made = 0
        self.job = self.orders.order(GATEWAY)

    def ask(self, verb: Verb, *, by: str = OLD, client: str = GATEWAY, **said: object) -> CertificateAnswer:
        values = {"job_id": self.job, **said}
        request = CertificateRequest(**values)  # type: ignore[arg-type]
        renewal = Renewal(self.table, self.registry, self.orders, lambda: 1)
        return renewal.answer(Asked(GATEWAY, client, by, verb, request))

    def _sign(self, request: str) -> Made | None:
        self.made += 1
        name = hashlib.sha256(f"{request}{self.made}".encode()).hexdigest()
        return Made(name, f"certificate of {request}") if request != "nonsense" else None


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_new_certificate_is_active_beside_the_old_one_with_its_policies(office: Office):
    answer = office.ask("request", csr="r")
    assert (answer.refused, answer.certificate) == ("", "certificate of r")
    assert office.registry.active == {OLD, answer.certificate_id}
    assert office.registry.policies[answer.certificate_id] == office.registry.policies[OLD]


def test_the_same_request_gets_the_same_certificate(office: Office):
    assert office.ask("request", csr="r") == office.ask("request", csr="r")
    assert len(office.registry.active) == 2


def test_another_request_in_the_same_execution_gets_none(office: Office):
    office.ask("request", csr="r")
    assert "retry the job" in office.ask("request", csr="other").refused
    assert len(office.registry.active) == 2


def test_the_next_execution_is_another_turn(office: Office):
    office.ask("request", csr="r")
    office.orders._ordered.add((GATEWAY, office.job, 2))
    assert office.ask("request", csr="other", execution_number=2).refused == ""


@pytest.mark.parametrize(
    ("client", "by", "why"),
    [("gw-2", OLD, "is not 'gw-1'"), (GATEWAY, "f" * 64, "is not this gateway's")],
)
def test_only_the_connection_says_who_asks(office: Office, client: str, by: str, why: str):
    assert why in office.ask("request", csr="r", client=client, by=by).refused
    assert office.made == 0


def test_nothing_is_issued_outside_of_a_job(office: Office):
    assert "does not ask" in office.ask("request", csr="r", job_id="forged").refused
    assert office.made == 0


def test_what_is_no_request_is_said_to_be_none(office: Office):
    assert "not a certificate request" in office.ask("request", csr="nonsense").refused


def test_the_old_one_goes_by_the_word_of_the_new_one(office: Office):
    new = office.ask("request", csr="r").certificate_id
    assert office.ask("confirm").refused, "the old one cannot confirm"
    assert office.registry.active == {OLD, new}
    assert office.ask("confirm", by=new).refused == ""
    assert office.registry.active == {new}
    assert office.ask("confirm", by=new).refused == "", "and again"


def test_the_new_one_goes_by_the_word_of_the_old_one(office: Office):
    new = office.ask("request", csr="r").certificate_id
    assert office.ask("withdraw", by=new).refused
    assert office.ask("withdraw").refused == ""
    assert office.registry.active == {OLD}
    assert office.ask("request", csr="r").refused, "it does not come back"


def test_of_confirm_and_withdraw_one_wins_and_one_certificate_stays(office: Office):
    new = office.ask("request", csr="r").certificate_id
    office.ask("confirm", by=new)
    assert office.ask("withdraw").refused
    assert office.registry.active == {new}

    other = Office()
    newer = other.ask("request", csr="r").certificate_id
    other.ask("withdraw")
    assert other.ask("confirm", by=newer).refused
    assert other.registry.active == {OLD}


def test_a_confirmation_of_nothing_is_refused(office: Office):
    assert office.ask("confirm").refused
    assert office.ask("withdraw").refused
    assert office.registry.active == {OLD}


def test_an_answer_carries_its_questions_token(office: Office):
    asked = {"csr": "r", "token": "t-1"}
    assert office.ask("request", **asked).token == asked["token"]
