"""The cost of a connection is measured for both clients in one run."""

from bench.ipc import run


def test_both_clients_are_measured_and_compared() -> None:
    found = run(runs=1)
    sdk, thin = found.clients["sdk"], found.clients["thin"]

    assert found.rss_saved_mib == round(sdk["rss_mib"].median - thin["rss_mib"].median, 2)
    assert all(0 < each["publish_us"].median < 100_000 for each in (sdk, thin))
    assert all(each["threads"].median >= 3 for each in (sdk, thin))
