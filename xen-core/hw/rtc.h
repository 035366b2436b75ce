/* The CMOS clock: the date and time of day that the machine keeps while it is off. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_RTC_H
#define XEN_CORE_HW_RTC_H

#include "lib/types.h"

/* The clock's registers as they read, in BCD or not and in 12 or 24 hours as `mode` says. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, century;
	uint8_t mode; /* register B */
};

/* Seconds since 1970, taking the clock's time as UTC. has_century: without, the years are 2000-2099. */
uint64_t rtc_seconds(const struct rtc_registers *r, bool has_century);

/* Reads the clock of this machine. century: the CMOS index of the century, 0 if there is none. */
uint64_t rtc_read(uint8_t century);

#endif
