#!/bin/sh
# Makes the table of function names that lets the hypervisor print readable backtraces.
# SPDX-License-Identifier: Apache-2.0
#
# usage: nm IMAGE | symbols.sh > symbols.S        (no input: an empty table, for the first link)
#
# All of it is constant and lies in section .symbols, which the linker script places behind the code:
# so its size moves no function, and the table made from the first link is right for the second.
#
#   const uint32_t symbol_count;      how many functions follow
#   const uint32_t symbol_offsets[];  where each begins, in bytes from __image_start, ascending
#   const uint32_t symbol_names[];    where its name begins, in bytes from symbol_strings
#   const char symbol_strings[];      the names, each ended by a NUL
set -eu

# Addresses are sorted as text: nm prints all of them with the same number of digits. Their lower
# 32 bits are enough for a difference, and all that awk's numbers hold exactly.
LC_ALL=C sort | awk '
	function low32(hex,    i, n) {
		hex = substr(hex, length(hex) - 7)
		for (i = 1; i <= 8; i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n
	}
	$3 == "__image_start" { start = $1 }
	$2 ~ /^[TtWw]$/ && $3 !~ /^__.*_(start|end)$/ { addr[++seen] = $1; name[seen] = $3 }
	END {
		for (i = 1; i <= seen; i++) {
			if (addr[i] < start || addr[i] == last)
				continue
			last = addr[i]
			offsets = offsets "\t.long " low32(last) - low32(start) "\n"
			names = names "\t.long " bytes + 0 "\n"
			strings = strings "\t.asciz \"" name[i] "\"\n"
			bytes += length(name[i]) + 1
			count++
		}
		print "/* Made by xen-core/symbols.sh. */"
		print "\t.section .symbols, \"a\", @progbits"
		print "\t.globl symbol_count, symbol_offsets, symbol_names, symbol_strings"
		print "\t.balign 4"
		print "symbol_count:\n\t.long " count + 0
		printf "symbol_offsets:\n%s", offsets
		printf "symbol_names:\n%s", names
		printf "symbol_strings:\n%s", strings
	}'
