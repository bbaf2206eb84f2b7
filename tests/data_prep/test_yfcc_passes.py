"""Counting and drawing in bounded memory, interrupted and in any order."""

import random
import tracemalloc
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yfcc import line, small_world, write

from data_prep.errors import PrepError
from data_prep.yfcc100m import passes
from data_prep.yfcc100m.counting import (
    TagCounts,
    are_exact,
    popular_tags,
    random_tags,
)
from data_prep.yfcc100m.metadata import parse_line
from data_prep.yfcc100m.passes import count_tags, draw_sample
from data_prep.yfcc100m.sampling import Plan, Sample, part_of

PLAN = Plan(train=30, validation=6, test=6, tags=10, spare=0.0)
VOCABULARIES = {"popular": ["t0", "t1", "t2"], "random": ["t7"]}

rows = st.lists(st.lists(st.integers(0, 60).map(str), max_size=5, unique=True))


@given(rows, st.integers(2, 30))
def test_counts_are_too_low_by_at_most_what_was_lost(photographs, capacity):
    counts, exact = TagCounts(capacity), Counter()
    for tags in photographs:
        counts.add(tags)
        exact.update(tags)
        assert len(counts.counts) <= capacity
    for tag, number in exact.items():
        assert number - counts.lost <= counts.counts.get(tag, 0) <= number
    assert counts.lost <= exact.total() / (capacity // 2 + 1)


@given(rows, st.integers(4, 30))
def test_popular_tags_that_are_certain_are_the_popular_ones(photographs, capacity):
    counts, exact = TagCounts(capacity), Counter()
    for tags in photographs:
        counts.add(tags)
        exact.update(tags)
    popular = popular_tags(counts, 3)
    if popular and are_exact(counts, popular):
        last = min(exact[tag] for tag in popular)
        assert all(exact[tag] <= last for tag in exact.keys() - set(popular))


def test_few_tags_are_counted_exactly():
    counts = TagCounts(100)
    for tags in [["a", "b"], ["a"], ["c", "a"], ["b"]]:
        counts.add(tags)
    assert (counts.counts, counts.lost) == ({"a": 3, "b": 2, "c": 1}, 0)
    assert popular_tags(counts, 2) == ["a", "b"]


def test_random_tags_are_on_enough_photographs_and_the_seed_decides():
    counts = TagCounts(counts={f"t{i}": i for i in range(100)})
    draw = random_tags(counts, 1_000, 20)
    assert draw == random_tags(counts, 1_000, 20) != random_tags(counts, 1_000, 20, 1)
    assert all(counts.counts[tag] >= 5 for tag in draw)
    assert len(random_tags(counts, 1_000, 200)) == 95
    assert len(random_tags(counts, 5_000_000, 200)) == 50  # one in 100,000 of them


def drawn(lines, plan=PLAN):
    sample = Sample(plan, VOCABULARIES)
    for one in lines:
        sample.offer(parse_line(one))
    return {key: smallest.ranked() for key, smallest in sample.drawn.items()}


@given(st.integers(0, 1_000))
def test_the_sample_does_not_depend_on_the_order(seed):
    lines = small_world(200)
    shuffled = random.Random(seed).sample(lines, len(lines))
    assert drawn(lines) == drawn(shuffled) == drawn(lines + lines)


def test_a_larger_sample_begins_with_the_smaller_one():
    small, large = drawn(small_world()), drawn(small_world(), replace(PLAN, spare=0.5))
    assert len(large["popular", "train"]) == 45
    for key, ranked in small.items():
        assert large[key][: len(ranked)] == ranked


def test_no_user_is_in_two_parts_and_every_vocabulary_has_its_tags():
    parts = {}
    for (name, part), ranked in drawn(small_world()).items():
        assert ranked
        for one in ranked:
            assert set(one.tags) & set(VOCABULARIES[name])
            assert part == one.part == parts.setdefault(one.user, part)


def test_parts_have_their_shares_of_users():
    plan = Plan()
    found = Counter(part_of(f"{i}@N00", plan) for i in range(12_000))
    assert found["train"] == pytest.approx(10_000, rel=0.03)
    assert found["test"] == pytest.approx(1_000, rel=0.15)


def test_the_sample_is_uniform():
    lines = [line(identifier=str(i), tags="t0", user=str(i)) for i in range(200)]
    hits = Counter()
    for seed in range(200):
        plan = Plan(train=20, validation=0, test=0, spare=0.0, seed=seed)
        found = drawn(lines, plan)["popular", "train"]
        hits.update(one.identifier for one in found)
    assert hits.total() == 4_000
    assert max(hits.values()) < 45  # each 20 on average, with a deviation of 4.2


def test_broken_lines_are_counted_and_skipped(tmp_path):
    lines = small_world(100)
    lines[10:10] = [b"nonsense\n", line(kind="1"), b"\xff\n"]
    counts, journal = count_tags(
        [write(tmp_path / "m.bz2", lines)], tmp_path / "tags.parquet"
    )
    assert journal.left_out == {"broken line": 2, "video": 1}
    assert (journal.place.lines, journal.photographs) == (103, 100)
    assert counts.counts["own 7"] == 1
    assert journal.lines_per_second > 0


@pytest.mark.parametrize("content", [[b"id,title,tags\n"] * 5, [b"\0" * 5000], []])
def test_another_format_is_refused_in_a_sentence(tmp_path, content):
    with pytest.raises(PrepError, match="23 or 25 columns separated by tabs"):
        count_tags([write(tmp_path / "m.txt", content)], tmp_path / "tags.parquet")


def test_another_format_is_refused_at_the_first_thousand_lines(tmp_path):
    path = write(tmp_path / "m.txt", [b"1\t2\n"] * 1_000 + small_world(5))
    with pytest.raises(PrepError, match="No line of"):
        count_tags([path], tmp_path / "tags.parquet")


class Interrupt:
    """Raises KeyboardInterrupt at the given call."""

    def __init__(self, function, call):
        self.function, self.left = function, call

    def __call__(self, *arguments):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.function(*arguments)


@pytest.mark.parametrize("suffix", ["bz2", "txt"])
def test_interrupted_passes_go_on_to_the_same_end(tmp_path, monkeypatch, suffix):
    lines = [b"broken\n", *small_world(250)]
    paths = [
        write(tmp_path / f"1.{suffix}", lines[:120]),
        write(tmp_path / f"2.{suffix}", lines[120:]),
    ]
    whole, _ = count_tags(paths, tmp_path / "whole.parquet")
    wanted, _ = draw_sample(paths, PLAN, VOCABULARIES, tmp_path / "whole2.parquet")
    monkeypatch.setattr(passes, "GLANCE", 10)
    monkeypatch.setattr(passes, "SAVE_EVERY", 0.0)
    state, state2 = tmp_path / "tags.parquet", tmp_path / "sample.parquet"
    for call in (15, 60, 110, 80):
        with monkeypatch.context() as patch:
            patch.setattr(passes, "parse_line", Interrupt(parse_line, call))
            with pytest.raises(KeyboardInterrupt):
                count_tags(paths, state)
            patch.setattr(passes, "parse_line", Interrupt(parse_line, call))
            with pytest.raises(KeyboardInterrupt):
                draw_sample(paths, PLAN, VOCABULARIES, state2)
    counts, journal = count_tags(paths, state)
    assert counts.counts == whole.counts
    assert (journal.place.lines, journal.photographs) == (251, 250)
    sample, journal = draw_sample(paths, PLAN, VOCABULARIES, state2)
    assert sample.found == wanted.found
    for key, smallest in sample.drawn.items():
        assert smallest.ranked() == wanted.drawn[key].ranked()


def test_a_finished_pass_is_not_made_again(tmp_path, monkeypatch):
    path = write(tmp_path / "m.txt", small_world(50))
    first, _ = count_tags([path], tmp_path / "tags.parquet")
    path.unlink()
    again, journal = count_tags([path], tmp_path / "tags.parquet")
    assert again == first
    assert journal.done


def test_a_damaged_state_is_named(tmp_path):
    state = tmp_path / "tags.parquet"
    state.write_bytes(b"no table")
    with pytest.raises(PrepError, match="delete it and run this again"):
        count_tags([tmp_path / "m.txt"], state)


@pytest.mark.parametrize(("capacity", "bounded"), [(1_000, True), (10**6, False)])
def test_memory_is_bounded_however_many_tags_there_are(capacity, bounded):
    counts = TagCounts(capacity)
    tracemalloc.start()
    for number in range(1_000):
        counts.add([f"tag {number} {i}" for i in range(20)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (peak < 500_000) == bounded
