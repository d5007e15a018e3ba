// numpy's and joblib's part of the format: dtypes, arrays from _reconstruct, _frombuffer, scalar
// and joblib's NumpyArrayWrapper. Used by the reader alone; errors are kDataLoss.
#pragma once

#include "models/engines/pickle/node.h"

namespace proa::pickle {

// numpy.dtype('f8', …) with the state (3, '<', …), or a scalar type's global.
Result<DType> dtype_of(const Node* node);
Result<std::vector<size_t>> shape_of(const Node* node);
// Count × size without overflow; kDataLoss otherwise.
Result<size_t> bytes_of(const DType& dtype, const std::vector<size_t>& shape);

// The state of an ndarray made by _reconstruct: (version, shape, dtype, is_fortran, data).
Status fill_reconstructed(Node* array, const Node* state);
Status fill_from_buffer(Node* array, const Node* args);  // _frombuffer(buffer, dtype, shape, order)
Status fill_scalar(Node* array, const Node* args);       // scalar(dtype, bytes)

// What joblib's wrapper says of the array whose bytes follow it.
struct Inline {
  Array array;  // without data
  size_t bytes = 0;
  bool padded = false;  // a length byte and padding come first
};
Result<Inline> inline_array(const Node* state);

}  // namespace proa::pickle
