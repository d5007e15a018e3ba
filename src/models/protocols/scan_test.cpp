#include "models/protocols/scan.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "models/protocols/rows.h"

namespace proa::protocols {
namespace {

// What a reader makes of one element: its bits, or that it is refused or no dense table.
std::string reading(const std::string& element, bool among_many) {
  std::string body = "{\"instances\": [[";
  if (among_many) body += "1, 2.5, -3,";
  body += element;
  if (among_many)
    for (int i = 0; i < 20; ++i) body += ", 12.75";
  body += "]]}";
  inference::Workspace work;
  RowsReader reader;
  if (!reader.read(body, work).ok()) return "refused";
  const auto& table = reader.table();
  if (table.form != inference::Table::Form::kDense) return "cells";
  double v = table.dense[among_many ? 3 : 0];
  if (among_many && (table.columns != 24 || table.dense[1] != 2.5 || table.dense[23] != 12.75))
    return "neighbours";
  return std::to_string(std::bit_cast<uint64_t>(v));
}

std::string random_number(std::mt19937_64& random) {
  auto digits = [&](size_t most) {
    std::string out;
    for (size_t n = random() % (most + 1); n > 0; --n)
      out += static_cast<char>('0' + random() % 10);
    return out;
  };
  std::string text = random() % 4 == 0 ? "-" : "";
  text += random() % 3 == 0 ? "0" : digits(random() % 3 == 0 ? 20 : 6);
  if (random() % 4 != 0) text += "." + digits(random() % 3 == 0 ? 20 : 6);
  if (random() % 16 == 0) text += "e" + digits(2);
  return text;
}

TEST(Scanner, ReadsANumberAmongManyAsItReadsItAlone) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string text = random_number(random);
    if (text.empty()) continue;  // alone it would be an empty row
    ASSERT_EQ(reading(text, true), reading(text, false)) << text;
  }
  for (const char* text : {"-",
                           ".",
                           "-.5",
                           "5.",
                           "01",
                           "-01.5",
                           "00",
                           "-0",
                           "-0.0",
                           "1.2.3",
                           "1-2",
                           "--1",
                           "+1",
                           "1 ",
                           " 1",
                           "\n1\n",
                           "1 2",
                           "null",
                           "true",
                           "NaN",
                           "-Infinity",
                           "\"1\"",
                           "[1]",
                           "1e5",
                           "1E-3",
                           "9007199254740993",
                           "9007199254740993.0",
                           "99999999999999999999",
                           "0.1234567890123456789",
                           "123456789012345.6",
                           "1234567890123456",
                           "0x10",
                           "1:",
                           "1/2"})
    EXPECT_EQ(reading(text, true), reading(text, false)) << text;
}

TEST(Scanner, ReadsWhatTheLibraryReads) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20000; ++i) {
    double v = std::bit_cast<double>((random() >> 12) | (1000 + random() % 45) << 52);
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(1 + random() % 18), v);
    auto want = std::to_string(std::bit_cast<uint64_t>(std::strtod(text, nullptr)));
    ASSERT_EQ(reading(text, true), want) << text;
    ASSERT_EQ(reading(text, false), want) << text;
  }
}

TEST(Scanner, RoundsQuotientsToTheNearestDouble) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 100000; ++i) {
    uint64_t digits = random() >> random() % 64;
    auto scale = static_cast<unsigned>(random() % 20);
    if (digits > 9999999999999999999u) digits /= 2;
    std::string text = std::to_string(digits) + "e-" + std::to_string(scale);
    ASSERT_EQ(quotient(digits, scale), std::strtod(text.c_str(), nullptr)) << text;
  }
}

TEST(Scanner, ListsOfEveryLengthKeepTheirElements) {
  for (size_t n = 1; n < 80; ++n) {
    std::string body = "{\"instances\": [[";
    for (size_t i = 0; i < n; ++i)
      body += (i == 0 ? "" : i % 3 == 0 ? "," : ", ") + std::to_string(i);
    body += "], [";
    for (size_t i = 0; i < n; ++i) body += (i == 0 ? "" : ",\n") + std::to_string(i) + ".5";
    body += "]]}";
    inference::Workspace work;
    RowsReader reader;
    ASSERT_TRUE(reader.read(body, work).ok());
    ASSERT_EQ(reader.table().columns, n);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(reader.table().dense[i], static_cast<double>(i));
      EXPECT_EQ(reader.table().dense[n + i], static_cast<double>(i) + 0.5);
    }
  }
}

}  // namespace
}  // namespace proa::protocols
