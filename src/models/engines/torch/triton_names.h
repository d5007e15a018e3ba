// The names that a config.pbtxt of Triton gives to a TorchScript model's tensors: NAME__INDEX, which
// its libtorch backend takes as "the INDEXth". Private to this folder; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proa::torch {

struct GivenNames {
  std::vector<std::string> inputs, outputs;  // by index; "" where none is given
};
// Reads only as much of the text as names need: what is wrong in it, the repository says.
GivenNames given_names(std::string_view config);
// Of the model that lies at FOLDER/VERSION/FILE; none where there is no FOLDER/config.pbtxt.
GivenNames given_names_beside(const std::string& file);

}  // namespace proa::torch
