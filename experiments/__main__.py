"""``python -m experiments``."""

import os

# before numpy is imported: one thread, since the order of a threaded sum would enter the numbers
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from experiments.command import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
