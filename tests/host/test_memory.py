"""What is known of the memory."""

from jaxglass.host import memory


def test_free_is_part_of_the_whole_and_the_whole_stays():
    assert 0 < memory.free_memory() <= memory.whole_memory() == memory.whole_memory()


def test_the_grant_of_a_container_counts(monkeypatch):
    monkeypatch.setattr(memory, "_granted", lambda: 1e6)
    assert memory.whole_memory() == memory.free_memory() == 1e6


def test_where_nothing_tells_a_little_is_taken_for_granted(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "absent")
    assert memory.whole_memory() == memory.free_memory() == memory.UNKNOWN
