"""The claim ledger: every statement of every source, its verdict, and the checks that decide it."""

from . import check as check
from .cite import citation as citation
from .claims import ORIGINS as ORIGINS
from .claims import VERDICTS as VERDICTS
from .claims import Claim as Claim
from .claims import Source as Source
from .claims import claim as claim
from .claims import claims as claims
from .claims import sources as sources
