"""Part IV: the theories against real networks: counts, laws, forecasts, geometry, pruning and learning curves."""

from .counts import ActivationCounts as ActivationCounts
from .recorded import Recorded as Recorded
from .recorded import array_digest as array_digest
from .recorded import load_recorded as load_recorded
from .recorded import recorded_names as recorded_names
from .recorded import write_recorded as write_recorded
from .datasets import character_contexts as character_contexts
from .datasets import digit_stream as digit_stream
from .datasets import load_table as load_table
from .network import DenseNetwork as DenseNetwork
from .training import NetworkTraining as NetworkTraining
from .training import train_network as train_network
