"""The tree is that of RFC 6962, however its leaves come, and a proof fits one place of one tree."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tradsys.journal.merkle import Proofs, Tree, proven_root

# Leaves and roots of the reference implementation of certificate transparency.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root(links: list[bytes]) -> bytes:
    tree = Tree()
    for link in links:
        tree.add(link)
    assert tree.count == len(links)
    return tree.root()


def naive(links: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, as it stands there."""
    if len(links) == 1:
        return sha256(b"\0" + links[0]).digest()
    half = 1
    while 2 * half < len(links):
        half *= 2
    return sha256(b"\1" + naive(links[:half]) + naive(links[half:])).digest()


def test_roots_are_those_of_the_reference_implementation() -> None:
    assert [root(LEAVES[:count]).hex() for count in range(9)] == ROOTS


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2048, 3072, 3073, 7000])
def test_large_trees_are_the_definition(count: int) -> None:
    links = [sha256(b"%d" % number).digest() for number in range(count)]
    assert root(links) == naive(links)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 64, 100])
def test_a_proof_leads_to_the_root_from_its_own_place_alone(count: int) -> None:
    links = [sha256(b"%d" % number).digest() for number in range(count)]
    proofs, wanted = Proofs(links), root(links)
    for index, link in enumerate(links):
        path = proofs.path(index)
        assert proven_root(link, index, count=count, path=path) == wanted
        assert proven_root(links[index - 1] if count > 1 else b"", index, count=count, path=path) != wanted
        for place in range(len(path)):
            other = [*path[:place], bytes(32), *path[place + 1 :]]
            assert proven_root(link, index, count=count, path=other) != wanted
        if index:
            assert proven_root(link, index - 1, count=count, path=path[: len(proofs.path(index - 1))]) != wanted


def test_paths_of_another_length_and_places_outside_are_refused() -> None:
    proofs = Proofs(LEAVES)
    with pytest.raises(ValueError, match="too long"):
        proven_root(LEAVES[0], 0, count=8, path=[*proofs.path(0), bytes(32)])
    assert proven_root(LEAVES[0], 0, count=8, path=proofs.path(0)[:-1]) != root(LEAVES)
    for index in (-1, 8):
        with pytest.raises(ValueError, match="no such place"):
            proven_root(LEAVES[0], index, count=8, path=proofs.path(0))
