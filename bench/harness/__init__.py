# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: processes, networks of namespaces, daemons, figures and pictures."""
