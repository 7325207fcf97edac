from device_agent.silence import PROBE_EVERY_S, Silence


def test_being_offline_is_not_the_clouds_silence() -> None:
    silence = Silence(100, 0)

    assert not silence.step(500, expecting=True, connected=False)
    assert not silence.step(550, expecting=True, connected=True)
    assert not silence.is_silent


def test_probes_come_once_an_hour() -> None:
    silence = Silence(100, 0)
    due = [second for second in range(0, 10_000, 10) if silence.step(second, expecting=True, connected=True)]

    assert due == [100, 100 + PROBE_EVERY_S, 100 + 2 * PROBE_EVERY_S]
    assert silence.is_silent


def test_an_answer_ends_it() -> None:
    silence = Silence(100, 0)
    silence.step(200, expecting=True, connected=True)
    silence.heard(201)

    assert not silence.is_silent
    assert not silence.step(250, expecting=True, connected=True)


def test_a_link_that_comes_and_goes_does_not_hide_it() -> None:
    silence = Silence(100, 0)
    for second in range(0, 220, 10):
        silence.step(second, expecting=True, connected=second % 20 == 0)

    assert silence.is_silent
