// Compiled: what one API object comes to in the gateway. Made by config/compile, settled by
// TableBuilder. Values.
#pragma once

#include <string>
#include <vector>

#include "foundation/json/value.h"
#include "platform/gateway/config/parts/claims.h"
#include "platform/gateway/config/parts/doors.h"
#include "platform/gateway/config/parts/names.h"

namespace proa::gateway {

struct Compiled {
  std::vector<Claim> claims;
  std::vector<DoorPiece> doors;
  Uses uses;  // what it is to be compiled again for
  std::vector<std::string> warnings;
  json::Value status;  // null: none is written
};

}  // namespace proa::gateway
