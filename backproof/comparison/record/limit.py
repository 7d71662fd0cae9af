"""A limit: evaluations beyond so many bytes are left out of an archive, where they match."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from backproof.comparison.bounds.certainty import multiplications
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import DATA, Point, Record

# Read by whoever judges a record again, whatever the point that is judged.
ESSENTIAL = (Point(DATA, 0), Point("general", 0))


def limited(records: Iterable[Record], rows: Iterable[Row], limit: float) -> list[Record]:
    """The records, those of them cut that are beyond the limit, in the same order.

    The largest points are left out first, and only those where every comparison matches. Points
    that are read at others too go last, and only together with all the rest of their record.
    """
    kept = list(records)
    sizes = [sizes_of(record) for record in kept]
    total = sum(each.total() for each in sizes)
    if total <= limit:
        return kept
    by_pairing: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_pairing[row.pairing].append(row)
    spare = [spare_points(record, by_pairing[record.pairing]) for record in kept]
    out: list[set[Point]] = [set() for _ in kept]
    queue = sorted(
        (-sizes[index][point], index, point)
        for index, points in enumerate(spare)
        for point in points
        if point not in ESSENTIAL
    )
    for size, index, point in queue:
        if total <= limit:
            break
        out[index].add(point)
        total += size
    for index, record in enumerate(kept):
        if total > limit and spare[index] == set(record.points()):
            total -= sum(sizes[index][point] for point in spare[index] - out[index])
            out[index] = spare[index]
    for index, record in enumerate(kept):
        if out[index] or record.judged:
            kept[index] = record.without(out[index], by_pairing[record.pairing])
            kept[index].work = multiplications(record)
    return kept


def spare_points(record: Record, rows: Iterable[Row]) -> set[Point]:
    """Where everything was compared, and matches."""
    seen, failing = set(), set()
    for row in rows:
        point = Point(row.point, row.step)
        seen.add(point)
        if row.status is not Status.MATCH:
            failing.add(point)
    return (seen & set(record.points())) - failing


def sizes_of(record: Record) -> Counter[Point]:
    """The bytes that each point takes up, with a batch of its own."""
    sizes: Counter[Point] = Counter()
    batches: dict[str, Point] = {}
    for point, values in record.parameters.items():
        sizes[point] += sum(array.nbytes for array in values.values())
        batches.setdefault(record.batch_name(point), point)
    for name, point in batches.items():
        batch = record.batches[name]
        sizes[point] += batch.inputs.nbytes + batch.targets.nbytes
    for evaluations in record.evaluations.values():
        for point, values in evaluations.items():
            sizes[point] += sum(array.nbytes for array in values.values())
    return sizes
