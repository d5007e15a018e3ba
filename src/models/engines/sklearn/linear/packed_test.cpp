#include "models/engines/sklearn/linear/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "models/engines/sklearn/linear/classifier.h"

namespace proa::engines {
namespace {

Matrix random_matrix(size_t rows, size_t columns, std::mt19937& bits) {
  Matrix m{rows, columns, std::vector<double>(rows * columns)};
  for (double& v : m.values) v = static_cast<int>(bits() % 201) - 100;
  return m;
}

TEST(Packed, MultipliesRowsOfEveryShape) {
  std::mt19937 bits(7);
  for (size_t outputs : {1, 2, 3, 4, 5, 8, 9, 17})
    for (size_t columns : {1, 3, 8, 16, 33})
      for (size_t rows : {0, 1, 3, 4, 5, 9}) {
        Matrix m = random_matrix(outputs, columns, bits), x = random_matrix(rows, columns, bits);
        std::vector<double> got(rows * outputs + 1, -1);
        Packed(m).times(x.values.data(), rows, got.data());
        for (size_t r = 0; r < rows; ++r)
          for (size_t k = 0; k < outputs; ++k) {
            double sum = 0;
            for (size_t c = 0; c < columns; ++c) sum += m.at(k, c) * x.at(r, c);
            EXPECT_EQ(got[r * outputs + k], sum);
          }
        EXPECT_EQ(got.back(), -1) << "written past the end";
      }
}

TEST(Packed, KnowsTheDistancesToItsRows) {
  std::mt19937 bits(8);
  for (size_t outputs : {1, 2, 3, 8, 11}) {
    Matrix m = random_matrix(outputs, 5, bits), x = random_matrix(1, 5, bits);
    std::vector<double> got(outputs);
    Packed(m).distances(x.row(0), got.data());
    for (size_t k = 0; k < outputs; ++k) {
      double sum = 0;
      for (size_t c = 0; c < 5; ++c) sum += (x.at(0, c) - m.at(k, c)) * (x.at(0, c) - m.at(k, c));
      EXPECT_EQ(got[k], sum);
    }
  }
}

TEST(Exponentials, AreThoseOfTheLibrary) {
  std::mt19937_64 bits(10);
  for (size_t n : {0, 1, 7, 8, 9, 1000}) {
    std::vector<double> x(n + 1, 42), y;
    for (size_t i = 0; i < n; ++i)
      x[i] = static_cast<double>(bits()) / 0x1p64 * (i % 2 ? 1400 : 2) - (i % 2 ? 700 : 1);
    y = x;
    exponentials(y.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(y[i] / std::exp(x[i]), 1, 5e-16) << x[i];
    EXPECT_EQ(y[n], 42);
  }
  std::vector<double> ends = {0, -0.0, -INFINITY, INFINITY, std::nan(""), -745.5, 710, -1e308, 709};
  exponentials(ends.data(), ends.size());
  EXPECT_EQ(ends[0], 1);
  EXPECT_EQ(ends[1], 1);
  EXPECT_EQ(ends[2], 0);
  EXPECT_EQ(ends[3], INFINITY);
  EXPECT_TRUE(std::isnan(ends[4]));
  EXPECT_EQ(ends[5], 0);
  EXPECT_EQ(ends[6], INFINITY);
  EXPECT_EQ(ends[7], 0);
  EXPECT_NEAR(ends[8] / std::exp(709.0), 1, 5e-16);
}

struct Sparse : testing::Test {
  std::vector<size_t> starts = {0, 2, 2, 3};
  std::vector<uint32_t> indices = {0, 3, 1};
  std::vector<double> values = {2, -1, 5};
  std::vector<double> dense = {2, 0, 0, -1, 0, 0, 0, 0, 0, 5, 0, 0};
  Table table() {
    Table t;
    t.form = Table::Form::kSparse;
    t.rows = 3;
    t.columns = 4;
    t.starts = starts.data();
    t.indices = indices.data();
    t.values = values.data();
    return t;
  }
};

class Any : public Estimator {
 public:
  bool has(Method) const override { return false; }
};

TEST_F(Sparse, RowsGiveTheSameProductsAsDenseOnes) {
  std::mt19937 bits(9);
  Workspace work;
  Any any;
  Table t = table();
  auto rows = rows_of(t, any, 4, work);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  for (size_t outputs : {1, 2, 3, 9}) {
    Packed p(random_matrix(outputs, 4, bits));
    std::vector<double> a(3 * outputs), b(3 * outputs);
    p.times(*rows, a.data());
    p.times(dense.data(), 3, b.data());
    EXPECT_EQ(a, b);
  }
  RowReader reader(*rows, work);
  for (size_t r : {0, 2, 1, 0}) {
    const double* row = reader.row(r);
    EXPECT_EQ(std::vector<double>(row, row + 4),
              std::vector<double>(dense.begin() + static_cast<ptrdiff_t>(r * 4),
                                  dense.begin() + static_cast<ptrdiff_t>(r * 4 + 4)));
  }
}

TEST_F(Sparse, RowsOfAnotherWidthOrWithNanAreRefused) {
  Workspace work;
  Any any;
  any.name = "SVC";
  Table t = table();
  EXPECT_EQ(rows_of(t, any, 5, work).error().message,
            "X has 4 features, but SVC is expecting 5 features as input.");
  values[1] = std::nan("");
  EXPECT_EQ(rows_of(t, any, 4, work).error().message, "Input X contains NaN.");
}

TEST(Scores, AreComparedAsNumpyComparesThem) {
  std::vector<double> v = {1, 3, 3, 2};
  EXPECT_EQ(largest(v.data(), 4), 1u);
  v[3] = std::nan("");
  EXPECT_EQ(largest(v.data(), 4), 3u);
  v[0] = std::nan("");
  EXPECT_EQ(largest(v.data(), 4), 0u);
}

TEST(Scores, BecomeLogarithmsOfSharesWithoutOverflow) {
  std::vector<double> v = {1000, 1000, -INFINITY};
  normalise_logs({v.data(), 1, 3});
  EXPECT_DOUBLE_EQ(v[0], std::log(0.5));
  EXPECT_EQ(v[2], -INFINITY);
  std::vector<double> none = {-INFINITY, -INFINITY};
  EXPECT_EQ(log_sum_exp(none.data(), 2), -INFINITY);
}

}  // namespace
}  // namespace proa::engines
