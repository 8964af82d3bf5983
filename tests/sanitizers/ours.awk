# ours.awk: prints those reports of ThreadSanitizer in which our code makes one of the accesses.
#
# libduckdb.so is not instrumented: its atomics are not seen, so its own hand-overs between threads
# look like races. A suppression "race:libduckdb.so" would also hide what our callbacks do below it.
# Therefore an access belongs to the innermost frame outside of the C and C++ runtime, and a report
# counts unless every access is DuckDB's (or has no frame at all).
# SPDX-License-Identifier: Apache-2.0
function finish() {
	if (report != "" && ours)
		printf "%s\n", report
	report = ""
	ours = 0
}
/^==================$/ { finish(); wanted = 0; next }
/^WARNING: ThreadSanitizer/ { finish() }
# Where a mutex, a thread or memory was made says nothing about who uses it.
/^  [^ ]/ { wanted = $0 !~ /^  (Mutex .* created|Thread |Location |As if |Hint)/ }
wanted && /^    #[0-9]+ / && !/\((libtsan|libstdc\+\+|libc|libm)\.so[^)]*\)$/ {
	ours = ours || $0 !~ /\(libduckdb\.so[^)]*\)$/
	wanted = 0
}
{ report = report $0 "\n" }
END { finish() }
