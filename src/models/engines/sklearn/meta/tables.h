// Cutting tables into columns and laying tables side by side: what ColumnTransformer, FeatureUnion,
// stacking and bagging do to the rows. Used by this folder alone; memory is the Workspace's.
#pragma once

#include <span>

#include "models/engines/sklearn/estimator.h"

namespace proa::engines::meta {

// The columns `columns` of `in`, in that order; all must be below in.columns. Names are kept.
void select_columns(const Table& in, std::span<const uint32_t> columns, Workspace& work,
                    Table& out);
// Tables of equally many rows side by side. All numbers: dense, or CSR if `sparse`. Texts or None
// somewhere: cells (kInvalid if `sparse`).
Status side_by_side(std::span<const Table> blocks, size_t rows, bool sparse, Workspace& work,
                    Table& out);
// Every number times `factor`.
Status scale(double factor, Workspace& work, Table& table);
// As numbers, whatever they are: NaN and infinity stay; kInvalid for texts that are no number.
Result<const double*> any_numbers(const Table& in, Workspace& work);

}  // namespace proa::engines::meta
