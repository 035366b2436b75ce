/* The CMOS clock: the date and time of day that the machine keeps while it is off. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/rtc.h"

#include "hw/cpu.h"
#include "hw/port.h"
#include "lib/string.h"

enum cmos_index {
	CMOS_SECOND = 0,
	CMOS_MINUTE = 2,
	CMOS_HOUR = 4,
	CMOS_DAY = 7,
	CMOS_MONTH = 8,
	CMOS_YEAR = 9,
	CMOS_A = 10,
	CMOS_B = 11,
};

#define A_UPDATING BIT(7)
#define B_24_HOURS BIT(1)
#define B_BINARY   BIT(2)
#define HOUR_PM    BIT(7)

#define PORT_INDEX 0x70
#define PORT_DATA  0x71

/* No clock at all reads as all ones: "updating" for ever. An update takes 2 ms at most. */
#define UPDATE_POLLS 100000

static unsigned number(uint8_t value, uint8_t mode)
{
	return mode & B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static unsigned hour_of_day(uint8_t hour, uint8_t mode)
{
	unsigned n = number(hour & (uint8_t)~HOUR_PM, mode);

	if (mode & B_24_HOURS)
		return number(hour, mode);
	return n % 12 + (hour & HOUR_PM ? 12 : 0);
}

/* Days from 1970-01-01, for years counted from March so that the leap day is a year's last. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1;
	unsigned from_march = (month + 9) % 12;
	unsigned day_of_year = (153 * from_march + 2) / 5 + day - 1;

	return y * 365UL + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

uint64_t rtc_seconds(const struct rtc_registers *r, bool has_century)
{
	unsigned century = has_century ? number(r->century, r->mode) : 20;
	unsigned year = century * 100 + number(r->year, r->mode);
	unsigned month = number(r->month, r->mode);
	unsigned day = number(r->day, r->mode);

	if (year < 1970 || month < 1 || month > 12 || day < 1)
		return 0;
	return ((days_since_1970(year, month, day) * 24 + hour_of_day(r->hour, r->mode)) * 60 +
	        number(r->minute, r->mode)) *
	               60 +
	       number(r->second, r->mode);
}

static uint8_t cmos_read(uint8_t index)
{
	outb(PORT_INDEX, index);
	return inb(PORT_DATA);
}

static void read_registers(struct rtc_registers *r, uint8_t century)
{
	for (unsigned i = 0; i < UPDATE_POLLS && cmos_read(CMOS_A) & A_UPDATING; i++)
		cpu_relax();
	*r = (struct rtc_registers){
		.second = cmos_read(CMOS_SECOND),
		.minute = cmos_read(CMOS_MINUTE),
		.hour = cmos_read(CMOS_HOUR),
		.day = cmos_read(CMOS_DAY),
		.month = cmos_read(CMOS_MONTH),
		.year = cmos_read(CMOS_YEAR),
		.century = century ? cmos_read(century) : 0,
		.mode = cmos_read(CMOS_B),
	};
}

/* An update may begin while we read: only two equal readings are believed. */
uint64_t rtc_read(uint8_t century)
{
	struct rtc_registers r, again;

	read_registers(&r, century);
	for (unsigned i = 0; i < 4; i++) {
		read_registers(&again, century);
		if (memcmp(&r, &again, sizeof(r)) == 0)
			break;
		r = again;
	}
	return rtc_seconds(&r, century != 0);
}
