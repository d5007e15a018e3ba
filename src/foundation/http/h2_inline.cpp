#include "foundation/http/h2_inline.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "foundation/base/check.h"
#include "foundation/http/fields.h"
#include "foundation/http/h1_write.h"

namespace proa::http {
namespace {
constexpr size_t kMostSpares = 128;
constexpr size_t kMostKeptMemory = 512 << 10;  // of one spare
}  // namespace

void H2Reply::clear() {
  text.clear();
  body.clear();
  fields.clear();
  trailers_at = sent = 0;
  bodiless = false;
}

void H2Reply::add(std::string_view name, std::string_view value) {
  Field field;
  field.name = static_cast<uint32_t>(text.size());
  field.name_size = static_cast<uint32_t>(name.size());
  text += name;
  for (char& c : std::span(text).subspan(field.name)) {
    bool upper = static_cast<unsigned char>(c - 'A') < 26;
    c = static_cast<char>(c | (upper << 5));
  }
  field.value = static_cast<uint32_t>(text.size());
  field.value_size = static_cast<uint32_t>(value.size());
  text += value;
  fields.push_back(field);
}

void LeanHead::clear() {
  text.clear();
  fields.clear();
  regular_at = 0;
  method = target = authority = {};
  header_bytes = 0;
}

void LeanRequest::clear() {
  LeanHead::clear();
  state = State::kHead;
  too_large = follows = false;
  followed = 0;
  body.clear();
  reply.clear();
}

void LeanHead::copy(const LeanHead& from, size_t count) {
  clear();
  for (size_t i = 0; i < count; ++i) {
    const H2Reply::Field& f = from.fields[i];
    std::string_view name = from.at(f.name, f.name_size), its = from.value(f);
    add(name, its);
    header_bytes += static_cast<uint32_t>(name.size() + its.size() + 32);
  }
}

bool LeanHead::has_at(size_t place, std::string_view name, std::string_view value) const {
  if (place >= fields.size()) return false;
  const H2Reply::Field& f = fields[place];
  return f.name_size == name.size() && f.value_size == value.size() &&
         std::memcmp(text.data() + f.value, value.data(), value.size()) == 0 &&
         std::memcmp(text.data() + f.name, name.data(), name.size()) == 0;
}

void LeanHead::add(std::string_view name, std::string_view value) {
  H2Reply::Field field;
  field.name = static_cast<uint32_t>(text.size());
  field.name_size = static_cast<uint32_t>(name.size());
  text += name;
  field.value = static_cast<uint32_t>(text.size());
  field.value_size = static_cast<uint32_t>(value.size());
  text += value;
  fields.push_back(field);
  if (name[0] != ':') {
    if (name == "host" && authority.value_size == 0) authority = field;
  } else if (name == ":method") {
    method = field;
  } else if (name == ":path") {
    target = field;
  } else if (name == ":authority") {
    authority = field;
  }
  if (name[0] == ':') regular_at = fields.size();
}

RequestView LeanRequest::view(std::vector<FieldView>& fields_out) const {
  fields_out.clear();
  for (const H2Reply::Field& f : std::span(fields).subspan(regular_at))
    fields_out.push_back({at(f.name, f.name_size), value(f)});
  RequestView request;
  request.method = value(method);
  request.target = value(target);
  request.authority = value(authority);
  request.body = body;
  request.fields = fields_out;
  request.version = 20;
  return request;
}

LeanRequest* LeanRequests::take(int32_t id, MonoTime now) {
  if (spares_.empty()) spares_.push_back(std::make_unique<LeanRequest>());
  auto request = std::move(spares_.back());
  spares_.pop_back();
  request->id = id;
  request->place = active_.size();
  request->heard = request->sent = now;
  active_.push_back(std::move(request));
  return active_.back().get();
}

void LeanRequests::give_back(LeanRequest* request) {
  size_t place = request->place;
  CHECK(place < active_.size() && active_[place].get() == request);
  std::swap(active_[place], active_.back());
  active_[place]->place = place;
  auto spare = std::move(active_.back());
  active_.pop_back();
  bool large = spare->memory() > kMostKeptMemory || (spare->memory() > 16384 && !spares_.empty());
  if (large || spares_.size() >= kMostSpares) return;
  spare->clear();
  spares_.push_back(std::move(spare));
}

void LeanRequests::clear() {
  active_.clear();
  spares_.clear();
}

void point_to(const H2Reply& reply, size_t from, size_t to, std::vector<nghttp2_nv>& out) {
  out.clear();
  auto* text = reinterpret_cast<uint8_t*>(const_cast<char*>(reply.text.data()));
  for (size_t i = from; i < to; ++i) {
    const H2Reply::Field& f = reply.fields[i];
    out.push_back({text + f.name, text + f.value, f.name_size, f.value_size,
                   NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  }
}

void ResponseBuffer::add_status(int status) {
  char digits[3] = {static_cast<char>('0' + status / 100 % 10),
                    static_cast<char>('0' + status / 10 % 10),
                    static_cast<char>('0' + status % 10)};
  reply_->add(":status", {digits, 3});
}

void ResponseBuffer::respond_h2(int status, std::string_view content_type, std::string_view body,
                                std::string_view extra) {
  H2Reply& reply = *reply_;
  bool may_have_body = status != 204 && status != 304;
  add_status(status);
  if (!content_type.empty()) reply.add("content-type", content_type);
  if (may_have_body) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, body.size()).ptr;
    reply.add("content-length", {digits, static_cast<size_t>(end - digits)});
  }
  if (date_.size() > 8) reply.add("date", date_.substr(6, date_.size() - 8));
  while (!extra.empty()) {
    size_t end = std::min(extra.find("\r\n"), extra.size());
    std::string_view line = extra.substr(0, end);
    extra.remove_prefix(std::min(end + 2, extra.size()));
    size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view name = line.substr(0, colon);
    std::string_view value = trim_blanks(line.substr(colon + 1));
    if (is_token(name) && is_field_value(value) && !is_hop_by_hop(name)) reply.add(name, value);
  }
  reply.trailers_at = reply.fields.size();
  if (body.data() != reply.body.data() || body.size() != reply.body.size()) reply.body.assign(body);
  reply.bodiless = head_only_ || !may_have_body || body.empty();
}

void ResponseBuffer::finish_with(int status, std::span<const FieldView> fields,
                                 std::span<const FieldView> trailers) {
  CHECK(!answered_ && reply_ != nullptr);
  answered_ = true;
  add_status(status);
  for (const FieldView& f : fields) reply_->add(f.name, f.value);
  reply_->trailers_at = reply_->fields.size();
  for (const FieldView& f : trailers) reply_->add(f.name, f.value);
  reply_->bodiless = head_only_ || (reply_->body.empty() && trailers.empty());
}

}  // namespace proa::http
