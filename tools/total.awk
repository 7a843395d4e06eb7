# SPDX-License-Identifier: BSD-2-Clause
# Adds up what the test programs printed: one closing line. cmocka names tests that failed or were
# skipped again in its closing lines. A suite ("== NAME") that never says how many tests it ran was
# ended in the middle, and counts as a failed test.
function suite_end() { failed += open; open = 0 }
FNR == 1 { suite_end() }
/^== / { suite_end(); open = 1 }
/^\[==========\] .*test\(s\) run\.$/ { open = 0 }
/^\[       OK \]/ { passed++ }
/^\[  SKIPPED \] [a-z]/ && !((FILENAME, $0) in seen) { seen[FILENAME, $0] = 1; skipped++ }
/^\[  FAILED  \] [a-z]/ && !((FILENAME, $0) in seen) { seen[FILENAME, $0] = 1; failed++ }
/^\[  ERROR   \] [a-z]/ && !((FILENAME, $0) in seen) { seen[FILENAME, $0] = 1; failed++ }
/ runs, nothing found$/ { fuzzers++ }
END {
    suite_end()
    printf "tests: %d passed, %d failed, %d skipped; fuzzers: %d found nothing\n",
           passed, failed, skipped, fuzzers
}
