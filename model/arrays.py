"""Array types that engines, explanation methods and training share."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
