"""Facts and picture of a network, and generated networks."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.topology.generate import generate_sites
from netsim.topology.graph import site_graph
from netsim.topology.links import with_links
from netsim.topology.summary import cell_areas_m2, picture, summarise


def test_facts_of_a_square_grid() -> None:
    places = np.array(
        [[x, y] for x in range(0, 5000, 1000) for y in range(0, 5000, 1000)], dtype=float
    )
    facts = summarise(with_links(site_graph(places), "mesh"))
    assert facts.sites == 25
    assert facts.density_per_km2 == pytest.approx(25 / (4.8**2))
    np.testing.assert_allclose(facts.nearest_neighbour_m, 1000)
    assert np.median(facts.cell_area_km2) == pytest.approx(
        0.9, rel=0.05
    )  # edge cells are clipped to 0.9
    assert facts.cell_area_km2.max() == pytest.approx(1.0, rel=0.05)
    assert facts.backhaul == "joins all sites to the core, site 12"


def test_areas_fill_the_window() -> None:
    areas = cell_areas_m2(np.array([[1.0, 1.0], [9.0, 1.0]]), (0.0, 0.0, 10.0, 4.0))
    np.testing.assert_allclose(areas, [20.0, 20.0], rtol=0.01)


def test_facts_of_one_site_and_of_two_at_one_place() -> None:
    assert summarise(site_graph(np.zeros((1, 2)))).backhaul == "none"
    facts = summarise(site_graph(np.zeros((2, 2))))
    assert facts.same_place == 1
    assert facts.nearest_neighbour_m.tolist() == [0, 0]


def test_picture_is_to_scale_with_north_up() -> None:
    graph = site_graph(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 50.0]]))
    graph.nodes[2]["core"] = True
    lines = picture(graph, width=40, height=40)
    assert len(lines[0]) == 40
    assert len(lines) == 10  # half as high as wide, two by four dots a character
    assert lines[0][0] == "◆"
    assert lines[-1][0] != " "
    assert lines[-1][-1] != " "
    assert sum(c != " " for line in lines for c in line) == 3
    assert picture(site_graph(np.zeros((1, 2)))) == ["⠁"]


def test_generated_networks() -> None:
    hexagons = generate_sites("hex", density_per_km2=4.0, window_km=6.0, sites=19)
    assert len(hexagons) == 19
    reach = [np.hypot(d["x_m"], d["y_m"]) for _, d in hexagons.nodes(data=True)]
    assert max(reach) == pytest.approx(2 * reach[1], rel=1e-3)  # two whole rings
    line = generate_sites("line", sites=4, spacing_m=500)
    assert [d["x_m"] for _, d in line.nodes(data=True)] == [-750, -250, 250, 750]
    first, again = (generate_sites("ppp", window_km=6.0, seed=4) for _ in range(2))
    assert list(first.nodes(data=True)) == list(again.nodes(data=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ring"}, r"kind: must be one of ppp, hex, line \(found 'ring'\)"),
        ({"density_per_km2": float("nan")}, "density_per_km2: must be finite and positive"),
        ({"window_km": 0.0}, "window_km"),
        ({"sites": 10_000}, "the window holds"),
        ({"sites": 0}, "sites: must lie in"),
        ({"density_per_km2": 1e9}, "at most 1000000 sites"),
    ],
)
def test_bad_wishes(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_sites(**({"kind": "hex"} | change))  # type: ignore[arg-type]


def test_sites_on_a_line_have_square_cells() -> None:
    facts = summarise(generate_sites("line", sites=20, spacing_m=1500))
    np.testing.assert_allclose(facts.cell_area_km2, 1.5**2, rtol=0.05)
    assert facts.density_per_km2 == pytest.approx(1 / 1.5**2)
