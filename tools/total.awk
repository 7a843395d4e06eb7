# SPDX-License-Identifier: BSD-2-Clause
# Adds up what the test programs printed: one closing line. cmocka names tests that failed or were
# skipped again in its closing lines.
/^\[       OK \]/ { passed++ }
/^\[  SKIPPED \] [a-z]/ && !($0 in seen) { seen[$0] = 1; skipped++ }
/^\[  FAILED  \] [a-z]/ && !($0 in seen) { seen[$0] = 1; failed++ }
/^\[  ERROR   \] [a-z]/ && !($0 in seen) { seen[$0] = 1; failed++ }
/ runs, nothing found$/ { fuzzers++ }
END {
    printf "tests: %d passed, %d failed, %d skipped; fuzzers: %d found nothing\n",
           passed, failed, skipped, fuzzers
}
