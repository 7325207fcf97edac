"""The update machine is loaded while there is something to do, and not again and again where it cannot be."""

from contract.jobs import Bundle
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.update.port import Order
from device_agent.supervising.carrying import LOOK_EVERY, TRY_EVERY_S, Carrier
from device_agent.supervising.terms import Terms
from tests.device_agent.supervising.world import until


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def looked(carrier: Carrier) -> Carrier:
    for _ in range(LOOK_EVERY):
        carrier.tick()
    return carrier


def test_a_machine_that_cannot_be_put_together_is_tried_once_a_minute(tmp_path, caplog):
    order = Bundle(kind="model", name="level", version="1.0.0", url="https://x/y", size=1, sha256="0" * 64)
    FileUpdates(tmp_path / UPDATE_FOLDER).submit(Order(order_id="o-1", bundle=order))
    clock = Clock()
    terms = Terms(gateway="g", state_dir=str(tmp_path))
    carrier = looked(Carrier(tmp_path / "no-document.yaml", terms, None, monotonic_s=clock))
    until(lambda: "update.failed" in caplog.text)
    carrier.end()
    assert not looked(carrier).is_over
    clock.now_s = TRY_EVERY_S
    assert looked(carrier).is_over
