# SPDX-License-Identifier: BSD-2-Clause
# Adds up what the test programs printed: one closing line. The first of these words on a line
# counts; cmocka repeats failed tests in its closing lines, which begin with another one.
/^\[       OK \]/ { passed++ }
/^\[  SKIPPED \] [a-z]/ { skipped++ }
/^\[  FAILED  \] [a-z]/ && !($0 in seen) { seen[$0] = 1; failed++ }
/ runs, nothing found$/ { fuzzers++ }
END {
    printf "tests: %d passed, %d failed, %d skipped; fuzzers: %d found nothing\n",
           passed, failed, skipped, fuzzers
}
