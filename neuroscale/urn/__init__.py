"""Urns shared by the parts: the buffet of Part I, and the Pitman-Yor urn that joins Parts I and II."""

from .buffet import BuffetPath as BuffetPath
from .buffet import BuffetUrn as BuffetUrn
from .buffet import fit_buffet as fit_buffet
from .buffet import stationary_log_pmf as stationary_log_pmf
from .discount import DiscountFit as DiscountFit
from .discount import discount_information as discount_information
from .discount import fit_discount as fit_discount
from .pitman_yor import PitmanYor as PitmanYor
