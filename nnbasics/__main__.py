"""`python -m nnbasics` is the command line."""

import sys

from nnbasics.cli import main

sys.exit(main())
