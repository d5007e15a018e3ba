#include "api/schema/columns.h"

#include "api/schema/computed_columns.h"
#include "api/schema/jsonpath.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

// A column ready for many rows: its path parsed once.
struct Reader {
  const Column* column;
  std::string_view computed;
  JsonPath path;
  bool good = true;
};

std::vector<Reader> readers_of(const KindDef& kind) {
  std::vector<Reader> out;
  for (const Column& column : kind.columns) {
    Reader r{&column, {}, {}};
    if (column.path.starts_with("=")) {
      r.computed = column.path.substr(1);
    } else {
      auto parsed = JsonPath::parse(column.path);
      r.good = parsed.ok();
      if (r.good) r.path = std::move(parsed).value();
    }
    out.push_back(std::move(r));
  }
  return out;
}

// Of several matches the first one stands, as API servers print columns of custom resources.
Value custom_cell(const Column& column, const std::vector<const Value*>& found, WallTime now) {
  if (found.empty() || found[0]->is_null()) return {};
  const Value& first = *found[0];
  if (column.type == "date") {
    return first.is_string() ? Value(since(first, now)) : Value("<invalid>");
  }
  if (column.type == "integer") {
    if (first.is_number()) return first.integer();
    return {};
  }
  if (column.type == "number") return first.is_number() ? first : Value();
  if (column.type == "boolean") return first.is_bool() ? first : Value();
  if (first.is_string()) return first;
  return json::dump(first);
}

Value cell(const Reader& reader, const KindDef& kind, const Value& object, WallTime now) {
  const Column& column = *reader.column;
  if (!reader.computed.empty())
    return computed_cell(reader.computed, object, now).value_or(Value("<unknown>"));
  if (!reader.good) return {};
  Value v = custom_cell(column, reader.path.find(object), now);
  if (kind.crd || !v.is_null()) return v;
  // Built-in kinds print what is missing.
  if (column.type == "date")
    return column.path == ".metadata.creationTimestamp" ? "<unknown>" : "<none>";
  if (column.type == "integer") return 0;
  if (column.type == "boolean") return false;
  bool blank = column.name == "Reason" || column.name == "Capacity" || column.name == "Volume" ||
               column.name == "StorageClass" || column.name == "Holder" || column.name == "Message";
  if (column.name == "Version" || column.name == "OS-Image" || column.name == "Kernel-Version" ||
      column.name == "Container-Runtime")
    return "<unknown>";
  return blank || column.priority == 0 ? "" : "<none>";
}

Value definition(std::string_view name, std::string_view type, std::string_view format,
                 std::string_view description, int priority) {
  return json::object({{"name", name},
                       {"type", type},
                       {"format", format},
                       {"description", description},
                       {"priority", priority}});
}

Value definitions(const KindDef& kind) {
  Value out = json::array(
      {definition("Name", "string", "name", "Name of the object, unique in its namespace.", 0)});
  for (const Column& c : kind.columns)
    out.push(definition(c.name, kind.crd || c.type != "date" ? c.type : "string", c.format,
                        c.description, c.priority));
  // A custom resource without columns shows its age.
  if (kind.crd && kind.columns.empty())
    out.push(definition("Age", "date", "", "Time since creation.", 0));
  return out;
}

Value row(const KindDef& kind, const std::vector<Reader>& readers, const Value& object,
          IncludeObject include, WallTime now) {
  Value cells = json::array({object["metadata"]["name"]});
  for (const Reader& reader : readers) cells.push(cell(reader, kind, object, now));
  if (kind.crd && kind.columns.empty())
    cells.push(since(object["metadata"]["creationTimestamp"], now));
  Value out = json::object({{"cells", std::move(cells)}});
  if (kind.kind.kind == "Job" || kind.kind.kind == "Pod") {
    // kubectl leaves out finished ones on request, by this condition.
    const std::string& phase = object["status"]["phase"].str();
    if (kind.kind.kind == "Pod" && (phase == "Succeeded" || phase == "Failed"))
      out.set("conditions",
              json::array({json::object(
                  {{"type", "Completed"},
                   {"status", "True"},
                   {"reason", phase},
                   {"message", phase == "Failed" ? "The pod failed."
                                                 : "The pod has completed successfully."}})}));
  }
  if (include == IncludeObject::kObject) out.set("object", object);
  if (include == IncludeObject::kMetadata) out.set("object", partial_metadata(object));
  if (include == IncludeObject::kNone) out.set("object", Value());
  return out;
}

}  // namespace

Result<IncludeObject> parse_include_object(std::string_view text) {
  if (text.empty() || text == "Metadata") return IncludeObject::kMetadata;
  if (text == "None") return IncludeObject::kNone;
  if (text == "Object") return IncludeObject::kObject;
  return error(Code::kInvalid, str("includeObject: unknown value \"", shorten(text, 50),
                                   "\", expected None, Metadata or Object"));
}

json::Value table(const KindDef& kind, const std::vector<client::Object>& objects,
                  const json::Value& list_metadata, IncludeObject include, WallTime now,
                  bool with_definitions) {
  Value rows = json::array({});
  auto readers = readers_of(kind);
  for (const client::Object& object : objects) rows.push(row(kind, readers, *object, include, now));
  return json::object(
      {{"kind", "Table"},
       {"apiVersion", "meta.k8s.io/v1"},
       {"metadata", list_metadata.is_object() ? list_metadata : json::object({})},
       {"columnDefinitions", with_definitions ? definitions(kind) : json::array({})},
       {"rows", std::move(rows)}});
}

json::Value table_row(const KindDef& kind, const json::Value& object, IncludeObject include,
                      WallTime now) {
  return row(kind, readers_of(kind), object, include, now);
}

json::Value partial_metadata(const json::Value& object) {
  return json::object({{"kind", "PartialObjectMetadata"},
                       {"apiVersion", "meta.k8s.io/v1"},
                       {"metadata", object["metadata"]}});
}

std::string age_text(Duration age) {
  int64_t s = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  auto two = [](int64_t a, const char* ua, int64_t b, const char* ub) {
    return b ? str(a, ua, b, ub) : str(a, ua);
  };
  int64_t minutes = s / 60, hours = s / 3600, days = hours / 24;
  if (s < 120) return str(s, "s");
  if (minutes < 10) return two(minutes, "m", s % 60, "s");
  if (minutes < 180) return str(minutes, "m");
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return str(hours, "h");
  if (hours < 192) return two(days, "d", hours % 24, "h");
  if (days < 365 * 2) return str(days, "d");
  if (days < 365 * 8) return two(days / 365, "y", days % 365, "d");
  return str(days / 365, "y");
}

}  // namespace proa::api
