/* Formatted text: C's formatting as far as the hypervisor needs it, and lines for its console. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/print.h"

#include "lib/string.h"
#include "lib/symbols.h"
#include "lib/types.h"

#define PREFIX "(core) "

/* A longer line is cut: it is put together on the stack. */
#define LINE_SIZE 512

enum log_level log_limit = LOG_INFO;

static void (*text_sink)(const char *text, size_t length);

/* Counts what does not fit any more. */
struct output {
	char *buffer;
	size_t size, length;
};

struct conversion {
	bool left, zero, marked; /* marked: 0x before hexadecimal digits */
	int width, precision;    /* precision: -1 if there is none */
	int size;                /* -2 char, -1 short, 0 int, 1 and more long */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length] = c;
	out->length++;
}

static void put_padding(struct output *out, int count, char c)
{
	for (; count > 0; count--)
		put(out, c);
}

static void put_text(struct output *out, const struct conversion *how, const char *text, int length)
{
	if (!how->left)
		put_padding(out, how->width - length, ' ');
	for (int i = 0; i < length; i++)
		put(out, text[i]);
	if (how->left)
		put_padding(out, how->width - length, ' ');
}

static void put_string(struct output *out, const struct conversion *how, const char *text)
{
	int length = 0;

	if (!text)
		text = "(null)";
	while (length != how->precision && text[length])
		length++;
	put_text(out, how, text, length);
}

/* `sign` stands before the digits and before zeroes that fill the width: "", "-" or "0x". */
static void put_number(struct output *out, const struct conversion *how, const char *sign,
                       uint64_t value, unsigned base, char ten)
{
	char digits[24];
	char *first = digits + sizeof(digits);
	int width = how->width - (int)strlen(sign);
	int length;

	do {
		unsigned digit = (unsigned)(value % base);

		*--first = (char)(digit < 10 ? '0' + digit : ten + (digit - 10));
		value /= base;
	} while (value);
	length = (int)(digits + sizeof(digits) - first);
	if (!how->left && !how->zero)
		put_padding(out, width - length, ' ');
	while (*sign)
		put(out, *sign++);
	if (!how->left && how->zero)
		put_padding(out, width - length, '0');
	while (first < digits + sizeof(digits))
		put(out, *first++);
	if (how->left)
		put_padding(out, width - length, ' ');
}

/* name+0xoffset, or the address if it is not in our code. */
static void put_symbol(struct output *out, uint64_t address)
{
	static const struct conversion plain = { .precision = -1 };
	uint64_t offset;
	const char *name = symbol_find(address, &offset);

	if (name) {
		put_string(out, &plain, name);
		put(out, '+');
		address = offset;
	}
	put_number(out, &plain, "0x", address, 16, 'a');
}

static uint64_t next_unsigned(const struct conversion *how, va_list *args)
{
	if (how->size > 0)
		return va_arg(*args, unsigned long);

	unsigned value = va_arg(*args, unsigned);

	return how->size == -2   ? (unsigned char)value
	       : how->size == -1 ? (unsigned short)value
	                         : value;
}

static int64_t next_signed(const struct conversion *how, va_list *args)
{
	if (how->size > 0)
		return va_arg(*args, long);

	int value = va_arg(*args, int);

	return how->size == -2 ? (signed char)value : how->size == -1 ? (short)value : value;
}

static int parse_number(const char **format, va_list *args)
{
	int number = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*args, int);
	}
	for (; **format >= '0' && **format <= '9'; (*format)++)
		number = number * 10 + (**format - '0');
	return number;
}

/* Flags, width, precision, length: all that stands between the % and its letter. */
static struct conversion parse_conversion(const char **format, va_list *args)
{
	struct conversion how = { .precision = -1 };

	for (;; (*format)++) {
		if (**format == '-')
			how.left = true;
		else if (**format == '0')
			how.zero = true;
		else if (**format == '#')
			how.marked = true;
		else
			break;
	}
	how.width = parse_number(format, args);
	if (**format == '.') {
		(*format)++;
		how.precision = parse_number(format, args);
	}
	for (;; (*format)++) {
		if (**format == 'l' || **format == 'z')
			how.size++;
		else if (**format == 'h')
			how.size--;
		else
			return how;
	}
}

static void put_pointer(struct output *out, const struct conversion *how, const char **format,
                        uint64_t value)
{
	if (**format == 's') {
		(*format)++;
		put_symbol(out, value);
		return;
	}
	put_number(out, how, "0x", value, 16, 'a');
}

/* `format` stands behind the letter. */
static void convert(struct output *out, char letter, const struct conversion *how,
                    const char **format, va_list *args)
{
	int64_t number;
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		number = next_signed(how, args);
		put_number(out, how, number < 0 ? "-" : "",
		           number < 0 ? -(uint64_t)number : (uint64_t)number, 10, 'a');
		break;
	case 'u':
		put_number(out, how, "", next_unsigned(how, args), 10, 'a');
		break;
	case 'o':
		put_number(out, how, "", next_unsigned(how, args), 8, 'a');
		break;
	case 'x':
		put_number(out, how, how->marked ? "0x" : "", next_unsigned(how, args), 16, 'a');
		break;
	case 'X':
		put_number(out, how, how->marked ? "0X" : "", next_unsigned(how, args), 16, 'A');
		break;
	case 'p':
		put_pointer(out, how, format, va_arg(*args, uint64_t));
		break;
	case 's':
		put_string(out, how, va_arg(*args, const char *));
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_text(out, how, &c, 1);
		break;
	default:
		put(out, letter);
	}
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct output out = { buffer, size, 0 };
	va_list rest;

	va_copy(rest, args);
	while (*format) {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format++;

		struct conversion how = parse_conversion(&format, &rest);

		if (!*format)
			break;
		format++;
		convert(&out, format[-1], &how, &format, &rest);
	}
	va_end(rest);
	if (size)
		buffer[MIN(out.length, size - 1)] = '\0';
	return (int)out.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer, size, format, args);
	va_end(args);
	return length;
}

void print_set_sink(void (*sink)(const char *text, size_t length))
{
	text_sink = sink;
}

/* In one piece to the sink, so that lines of several CPUs do not mix. A cut line still ends. */
void print_line(const char *prefix, const char *format, va_list args)
{
	char line[LINE_SIZE];
	size_t start = strlen(prefix);
	size_t length;

	if (!text_sink)
		return;
	memcpy(line, prefix, start);
	length = start + (size_t)vsnprintf(line + start, sizeof(line) - start, format, args);
	if (length >= sizeof(line)) {
		length = sizeof(line) - 1;
		line[length - 1] = '\n';
	}
	text_sink(line, length);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(PREFIX, format, args);
	va_end(args);
}

void log_print(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log_limit)
		return;
	va_start(args, format);
	print_line(PREFIX, format, args);
	va_end(args);
}
