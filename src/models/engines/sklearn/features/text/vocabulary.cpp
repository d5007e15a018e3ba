#include "models/engines/sklearn/features/text/vocabulary.h"

#include <algorithm>
#include <vector>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

struct Term {
  std::string_view text;
  uint32_t column;
};

Result<std::vector<Term>> read_terms(const Attributes& a, std::string_view name) {
  const pickle::Node* node = a.find(name);
  std::vector<Term> out;
  if (node && node->kind == pickle::Kind::kList) {
    for (const pickle::Node* item : node->items)
      out.push_back({item->text, static_cast<uint32_t>(out.size())});
    return out;
  }
  TRY(auto pairs, a.dict({name}));
  for (const auto& [key, value] : pairs) {
    if (key->kind != pickle::Kind::kStr && key->kind != pickle::Kind::kBytes)
      return a.wrong(str(name, " has a term that is no text"));
    TRY(int64_t column, pickle::as_int(*value));
    if (column < 0 || column >= static_cast<int64_t>(pairs.size()))
      return a.wrong(str(name, " has a column out of range"));
    out.push_back({key->text, static_cast<uint32_t>(column)});
  }
  return out;
}

}  // namespace

Result<Vocabulary> Vocabulary::of(const Attributes& a, std::string_view name) {
  TRY(std::vector<Term> terms, read_terms(a, name));
  std::vector<bool> seen(terms.size());
  size_t letters = 0;
  for (const Term& t : terms) {
    if (seen[t.column]) return a.wrong(str(name, " has a column twice"));
    seen[t.column] = true;
    letters += t.text.size();
  }
  Vocabulary v;
  v.letters_ = std::make_unique<char[]>(letters + 1);
  v.columns_.reserve(terms.size());
  char* at = v.letters_.get();
  for (const Term& t : terms) {
    std::string_view kept(at, t.text.size());
    at = std::copy(t.text.begin(), t.text.end(), at);
    if (!v.columns_.emplace(kept, t.column).second) return a.wrong(str(name, " has a term twice"));
  }
  return v;
}

}  // namespace proa::engines
