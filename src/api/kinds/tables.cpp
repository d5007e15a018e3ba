#include "api/kinds/tables.h"

// The bytes of each table between two symbols, in the read-only section.
#define PROA_TABLE(id, name, path)                        \
  asm(".pushsection .rodata\n"                            \
      ".global proa_kinds_" #id "_begin\nproa_kinds_" #id \
      "_begin:\n"                                         \
      ".incbin \"" path                                   \
      "\"\n"                                              \
      ".global proa_kinds_" #id "_end\nproa_kinds_" #id   \
      "_end:\n.byte 0\n"                                  \
      ".popsection\n");                                   \
  extern "C" const char proa_kinds_##id##_begin[], proa_kinds_##id##_end[];
#include PROA_TABLES
#undef PROA_TABLE

namespace proa::api {

std::vector<KindTable> kind_tables() {
  return {
#define PROA_TABLE(id, name, path) \
  {name,                           \
   {proa_kinds_##id##_begin,       \
    static_cast<size_t>(proa_kinds_##id##_end - proa_kinds_##id##_begin)}},
#include PROA_TABLES
#undef PROA_TABLE
  };
}

}  // namespace proa::api
