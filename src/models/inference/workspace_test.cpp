#include "models/inference/workspace.h"

#include <gtest/gtest.h>

namespace proa::inference {
namespace {

TEST(Workspace, GivesAlignedMemoryThatDoesNotOverlap) {
  Workspace work;
  std::vector<std::span<double>> all;
  for (size_t n : {0, 1, 7, 100, 5000, 3, 100000, 1}) {
    std::span<double> s = work.take<double>(n);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(s.data()) % 64, 0u);
    std::fill(s.begin(), s.end(), static_cast<double>(all.size()));
    all.push_back(s);
  }
  for (size_t i = 0; i < all.size(); ++i)
    for (double v : all[i]) ASSERT_EQ(v, static_cast<double>(i));
}

TEST(Workspace, GrowsNoMoreOnceItIsWarm) {
  Workspace work;
  auto round = [&] {
    for (size_t n : {10, 20000, 300, 70000}) work.take<double>(n);
    auto mark = work.mark();
    work.take<char>(100000);
    work.release(mark);
    work.reset();
  };
  round();
  size_t warm = work.capacity();
  for (int i = 0; i < 100; ++i) round();
  EXPECT_EQ(work.capacity(), warm);
}

TEST(Workspace, TrimsWhatALargeRequestLeft) {
  Workspace work;
  work.take<char>(50 << 20);
  work.trim(1 << 20);
  EXPECT_LE(work.capacity(), size_t{1} << 20);
}

TEST(Workspace, KeepsACopyOfAText) {
  Workspace work;
  std::string text = "setosa";
  std::string_view kept = work.keep(text);
  text = "xxxxxx";
  EXPECT_EQ(kept, "setosa");
}

}  // namespace
}  // namespace proa::inference
