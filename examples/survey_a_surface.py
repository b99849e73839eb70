"""Survey the Müller-Brown surface: minima, saddles, and the highest point between neighbours.

python examples/survey_a_surface.py [PICTURE]
"""

import sys

import talweg

survey = talweg.survey(talweg.surfaces.muller_brown())

for i, point in enumerate(survey.critical_points):
    print(f"{i}  {point.type:8s} ({point.x[0]: .6f}, {point.x[1]: .6f})  f = {point.fun:.6f}")

for edge in survey.edges():
    print(f"a talweg of length {edge.length:.4f} joins {edge.start} and {edge.stop}")

# The barrier from one minimum to the next: the talwegs of one curve, over the saddle between.
graph = survey.graph()
for saddle in graph.nodes:
    minima = sorted(i for i in graph.neighbors(saddle) if graph.nodes[i]["morse_index"] == 0)
    if graph.nodes[saddle]["morse_index"] == 1 and len(minima) == 2:
        heights = [graph.nodes[saddle]["fun"] - graph.nodes[i]["fun"] for i in minima]
        print(
            f"minima {minima[0]} and {minima[1]} meet at saddle {saddle}, "
            f"{heights[0]:.6f} and {heights[1]:.6f} above them"
        )

if len(sys.argv) > 1:
    survey.plot().savefig(sys.argv[1], dpi=120)
