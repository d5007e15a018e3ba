// The binary form of tensors, as raw_input_contents and the binary tensor extension have it:
// little-endian elements, row-major, booleans a byte each; BYTES elements behind a uint32 length.
//
// Used by V2 REST and gRPC. Pure; thread-safe.
#pragma once

#include <string>

#include "models/protocols/request.h"

namespace proa::protocols {

double from_fp16(uint16_t bits);
double from_bf16(uint16_t bits);
uint16_t to_fp16(double value);  // nearest, ties to even; too large: infinity
uint16_t to_bf16(double value);

size_t raw_size(const Values& values);
void append_raw(const Values& values, std::string& out);  // appends raw_size(values) bytes

}  // namespace proa::protocols
