#!/bin/bash
# Lets spin search the models of arbitration: the rules hold, and each rule that is broken on purpose is caught.
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh [--soak]      --soak: one misfortune more, which takes gigabytes and minutes
#
# What a setting means is told in the models (fencing/model/). A search that is not complete is a failure.
set -u
cd "$(dirname "$0")/../.." || exit 1

models=$PWD/fencing/model
work=$PWD/build/model
memory=3000 hashes=24
passed=0 failed=0

# search NAME MODEL SETTINGS...: leaves the verdict in $verdict (holds, caught, or unknown) and $what
search() {
	local folder=$work/$1 model=$models/$2.pml options=(-DSAFETY) run=()
	shift 2
	rm -rf "$folder" && mkdir -p "$folder"
	verdict=unknown what=
	[[ " $* " != *" -DCALM=3 "* ]] || { options=() run=(-a); } # temporal logic
	(cd "$folder" && spin "$@" -a "$model" >spin.log 2>&1 &&
		gcc -O1 -w "${options[@]}" -DNOREDUCE -DMEMLIM=$memory -o pan pan.c >gcc.log 2>&1 &&
		./pan -m1000000 -w$hashes "${run[@]}" >pan.log 2>&1)
	[ -e "$folder/pan.log" ] || return
	what=$(awk '/depth reached/ { d = $6 + 0 } /states, stored/ { s = $1 } END { print s " states, depth " d }' "$folder/pan.log")
	if grep -qE 'assertion violated|acceptance cycle' "$folder/pan.log" &&
		grep -q 'errors: 1' "$folder/pan.log"; then
		verdict=caught
	elif grep -q 'errors: 0' "$folder/pan.log" &&
		! grep -qE 'Search not completed|too small|out of memory' "$folder/pan.log"; then
		verdict=holds
	fi
	rm -f "$folder/pan" "$folder"/pan.?
}

expect() {
	local expected=$1 name=$2
	shift 2
	search "$name" "$@"
	if [ "$verdict" = "$expected" ]; then
		echo "ok     $name: $verdict ($what)"
		passed=$((passed + 1))
	else
		echo "FAILED $name: $verdict, not $expected (${work#"$PWD/"}/$name)"
		tail -5 "$work/$name"/*.log
		failed=$((failed + 1))
	fi
}

holds() { expect holds "$@"; }

# broken NAME MODEL NUMBER SETTINGS...
broken() {
	local name=$1 model=$2 number=$3
	shift 3
	expect caught "broken_$name" "$model" -DBREAK="$number" "$@"
}

two_nodes="-DQUORUM=0 -DAGENT=1"
risk="-DQUORUM=0 -DRISK=1"
views="-DKINDS=108" # naps, loss, cuts, votes

# shellcheck disable=SC2086 # settings are words
one_round() {
	local faults=$1
	holds quorum round -DFAULTS=$faults
	holds quorum_and_agent round -DFAULTS=$faults -DAGENT=1
	holds two_nodes_and_agent round -DFAULTS=$faults $two_nodes
	holds risk_accepted round -DFAULTS=$faults $risk
	holds second_fence round -DFAULTS=$faults -DBREAK=24 # the hypervisor activates after the window
	holds views round -DFAULTS=$((faults + 1)) $views
	holds clocks round -DFAULTS=$((faults + 2)) $views -DSKEW=1
	local name
	for name in quorum quorum_and_agent two_nodes_and_agent risk_accepted; do
		local settings=
		case $name in
		quorum_and_agent) settings=-DAGENT=1 ;;
		two_nodes_and_agent) settings=$two_nodes ;;
		risk_accepted) settings=$risk ;;
		esac
		holds "goes_on_$name" round -DFAULTS=1 -DCALM=1 $settings
		holds "for_ever_$name" round -DFAULTS=$((faults - 1)) -DCALM=3 $settings
		holds "mended_$name" round -DFAULTS=$((faults - 1)) -DCALM=2 $settings
	done
}

# shellcheck disable=SC2086
one_round_broken() {
	broken takeover_before_the_watchdog round 1
	broken solo_before_the_window_ends round 2
	broken takeover_without_quorum round 3
	broken solo_though_quorum_was_broken round 4
	broken view_trusted_after_sleep round 5
	broken sleep_does_not_break_quorum round 6
	broken goes_on_after_a_reboot round 7
	broken takeover_after_the_window round 8
	broken lease_from_the_reply round 9
	broken handed_goes_on_by_itself round 10
	broken fencing_not_confirmed round 11 $two_nodes
	broken fencing_forgets_the_past round 12 -DAGENT=1
	broken in_sync_after_a_reboot round 13
	broken risk_forgets_its_sleep round 14 $risk
	broken risk_taken_unasked round 15 $risk
	broken window_from_the_last_reply round 16
	broken margin_without_naps round 17 -DFAULTS=4 $views
	broken clocks_not_stretched round 18 -DFAULTS=5 $views -DSKEW=1
	broken fencing_without_naps round 19 -DAGENT=1
	broken output_before_the_record round 20
	broken standby_does_not_answer round 21 -DFAULTS=1 -DCALM=1
	broken lease_never_ends round 22
	broken nobody_answers_for_ever round 21 -DFAULTS=2 -DCALM=3
	broken primary_does_not_fence round 23 -DFAULTS=1 -DCALM=1 $two_nodes
}

many_rounds() {
	holds rounds rounds -DCRASHES="$1"
	broken word_of_an_old_round rounds 1
	broken handed_said_before_the_record rounds 2
	broken in_sync_without_its_memory rounds 3
	broken next_generation_before_the_record rounds 4
}

faults=3
if [ "${1:-}" = --soak ]; then
	faults=4 memory=4000 hashes=26
fi
one_round $faults
one_round_broken
many_rounds $((faults - 2))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
