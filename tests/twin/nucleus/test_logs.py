import threading

from twin.nucleus.logs import ComponentLog, follow


def test_a_log_is_set_aside_before_it_grows_without_bound(tmp_path):
    log = ComponentLog(tmp_path / "logs/a.log", maximum_bytes=1000)
    for number in range(100):
        log.write("run.stdout", f"line {number}")
    assert sum(file.stat().st_size for file in (tmp_path / "logs").iterdir()) < 2200
    assert [file.name for file in sorted((tmp_path / "logs").iterdir())][-1] == "a.log.1"


def test_who_follows_a_log_misses_nothing_when_it_is_set_aside(tmp_path):
    log = ComponentLog(tmp_path / "a.log", maximum_bytes=300)
    log.write("run.stdout", "first")
    stop = threading.Event()
    seen = []

    def listen():
        for line in follow(tmp_path / "a.log", stop):
            seen.append(line.rsplit(" ", 1)[-1])
            if seen[-1] == "last":
                stop.set()

    thread = threading.Thread(target=listen)
    thread.start()
    for word in ("second", "third"):
        log.write("run.stdout", word)
        while word not in seen:
            thread.join(0.02)
    for _ in range(8):
        log.write("run.stdout", "padding-that-fills")
    log.write("run.stdout", "last")
    thread.join(5.0)
    assert seen[:3] == ["first", "second", "third"]
    assert seen[-1] == "last"


def test_the_tail_of_no_log_is_empty(tmp_path):
    assert ComponentLog(tmp_path / "none.log").tail() == ""
