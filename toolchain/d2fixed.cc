// SPDX-License-Identifier: GPL-2.0-or-later
//
// Takes the place of libc++'s object of the same name in the static libc++.a; built and put there by toolchain/setup.
//
// Every program with one std::format links libc++'s printing of doubles with a given precision, which brings 110 KB of tables
// that hardly compress. musl's snprintf prints the same digits, for it is exact too, with no tables; it is slower, and lifeboat
// formats a double a few times in a second.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

_LIBCPP_BEGIN_NAMESPACE_STD

static to_chars_result print(const char *format, char *first, char *last, double value, uint32_t precision) noexcept {
  const auto room = static_cast<size_t>(last - first);
  const int result = snprintf(first, room, format, static_cast<int>(precision), value);
  const auto length = static_cast<size_t>(result);
  if (result < 0 || length > room) return {last, errc::value_too_large};
  if (length == room) { // snprintf put a NUL where the last digit belongs
    char *text = static_cast<char *>(malloc(length + 1));
    if (text == nullptr) return {last, errc::value_too_large};
    snprintf(text, length + 1, format, static_cast<int>(precision), value);
    memcpy(first, text, length);
    free(text);
  }
  return {first + length, errc{}};
}

to_chars_result __d2fixed_buffered_n(char *first, char *last, double value, uint32_t precision) {
  return print("%.*f", first, last, value, precision);
}

to_chars_result __d2exp_buffered_n(char *first, char *last, double value, uint32_t precision) {
  return print("%.*e", first, last, value, precision);
}

// libc++ prints large floats piecewise with these two, whose home is the object that is replaced.
void __append_n_digits(uint32_t count, uint32_t digits, char *out) {
  for (; count > 0; digits /= 10) out[--count] = static_cast<char>('0' + digits % 10);
}

void __append_nine_digits(uint32_t digits, char *out) { __append_n_digits(9, digits, out); }

_LIBCPP_END_NAMESPACE_STD
