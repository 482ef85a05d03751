"""The cubes there are. A new one goes into this list, and the sync keeps it from then on."""

from pipelines.lake.cubes import Cube
from pipelines.lake.cubes_calls import CALL_CUBES
from pipelines.lake.cubes_dials import DIAL_CUBES
from pipelines.lake.cubes_standing import STANDING
from pipelines.lake.cubes_timing import TIMING_CUBES
from pipelines.lake.cubes_turns import TURN_CUBES

CUBES: tuple[Cube, ...] = (*DIAL_CUBES, STANDING, *TIMING_CUBES, *CALL_CUBES, *TURN_CUBES)
CUBE_OF = {cube.name: cube for cube in CUBES}
