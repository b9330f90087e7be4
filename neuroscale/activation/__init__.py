"""Part I: activations as a stochastic process (Zhang & Sui, arXiv 2412.18073)."""

from .forecast import GrowthForecast as GrowthForecast
from .forecast import predict_growth as predict_growth
from .inference import CountFit as CountFit
from .inference import fit_counts as fit_counts
from .law import ActivationLaw as ActivationLaw
from .process import ActivationPath as ActivationPath
from .process import sample_counts as sample_counts
from .process import sample_growth as sample_growth
from .process import sample_histogram as sample_histogram
from .process import simulate as simulate
from .process import simulate_events as simulate_events
