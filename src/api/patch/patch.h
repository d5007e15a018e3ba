// The three client-side patch formats: JSON patch (RFC 6902), merge patch (RFC 7396) and
// Kubernetes' strategic merge patch (by the tables' merge keys). Server-side apply is in apply.h.
//
// Pure, thread-safe. All work on a copy's place: the object is changed only if Ok is returned for
// json_patch; the others cannot fail half-way on valid input.
#pragma once

#include "api/schema/type.h"

namespace proa::api {

// At most 10,000 operations (kTooLarge). kInvalid: not a patch; kUnprocessable: a path that is not
// there, a test that fails; the message names operation and path.
Status json_patch(json::Value& object, const json::Value& patch);

void merge_patch(json::Value& object, const json::Value& patch);  // null removes

// $patch (replace, delete, merge), $retainKeys, $deleteFromPrimitiveList/x, $setElementOrder/x.
// Fields without merge strategy are replaced. kInvalid: an unknown directive, a list element
// without its merge key.
Status strategic_merge_patch(const Type& type, json::Value& object, const json::Value& patch);

}  // namespace proa::api
