#include "foundation/http/h1_parse.h"

#include <algorithm>
#include <cstring>

#include "foundation/http/fields.h"

namespace proa::http {

void H1Head::clear() {
  method = target = authority = upgrade = {};
  status = 0;
  version = 11;
  fields.clear();
  content_length.reset();
  chunked = expect_continue = false;
  keep_alive = true;
}

namespace {

Parsed bad(int status, const char* why) { return {Parsed::kBad, 0, status, why}; }

// Finds the blank line; a line feed without a carriage return is refused at once.
Parsed find_end(std::string_view text, size_t& scanned, size_t most) {
  size_t at = scanned;
  while (at < text.size()) {
    const void* found = std::memchr(text.data() + at, '\n', text.size() - at);
    if (!found) break;
    size_t lf = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    if (lf == 0 || text[lf - 1] != '\r') return bad(400, "line feed without carriage return");
    if (lf >= 3 && text[lf - 2] == '\n') {
      if (lf + 1 > most) return bad(431, "head too large");
      return {Parsed::kDone, lf + 1, 0, ""};
    }
    at = lf + 1;
    scanned = at;
  }
  scanned = text.size();
  if (text.size() > most) return bad(431, "head too large");
  return {};
}

bool parse_number(std::string_view text, uint64_t& value) {
  if (text.empty() || text.size() > 18) return false;
  value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return true;
}

// "HTTP/1.1" → 11, "HTTP/1.0" → 10; 0: malformed; -1: another version.
int parse_version(std::string_view text) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || text[6] != '.') return 0;
  char major = text[5], minor = text[7];
  if (major < '0' || major > '9' || minor < '0' || minor > '9') return 0;
  if (major != '1') return -1;
  return minor == '0' ? 10 : 11;
}

struct Seen {
  int hosts = 0, lengths = 0, encodings = 0;
  bool close = false, keep_alive = false, upgrade = false, te_known = true;
  std::string_view upgrade_to;
};

// What a field means for framing and for the connection. Null: fine.
const char* apply(const FieldView& field, H1Head& head, Seen& seen) {
  const std::string_view name = field.name, value = field.value;
  switch (name.size()) {
    case 4:
      if (same_name(name, "host")) {
        if (++seen.hosts > 1) return "more than one Host";
        if (!is_host(value)) return "malformed Host";
        head.authority = value;
      }
      break;
    case 6:
      if (same_name(name, "expect")) head.expect_continue = same_name(value, "100-continue");
      break;
    case 7:
      if (same_name(name, "upgrade")) seen.upgrade_to = value;
      break;
    case 10:
      if (same_name(name, "connection")) {
        seen.close |= list_has(value, "close");
        seen.keep_alive |= list_has(value, "keep-alive");
        seen.upgrade |= list_has(value, "upgrade");
      }
      break;
    case 14:
      if (same_name(name, "content-length")) {
        uint64_t length = 0;
        if (++seen.lengths > 1) return "more than one Content-Length";
        if (!parse_number(value, length)) return "malformed Content-Length";
        head.content_length = length;
      }
      break;
    case 17:
      if (same_name(name, "transfer-encoding")) {
        if (++seen.encodings > 1) return "more than one Transfer-Encoding";
        if (!same_name(value, "chunked")) return "Transfer-Encoding is not just chunked";
        head.chunked = true;
      }
      break;
    default:
      break;
  }
  return nullptr;
}

// The lines after the start line.
Parsed apply_fields(std::string_view lines, H1Head& head, Seen& seen) {
  if (!parse_fields(lines, head.fields)) return bad(400, "malformed header field");
  if (head.fields.size() > kMostFields) return bad(431, "too many header fields");
  for (const FieldView& field : head.fields) {
    if (const char* why = apply(field, head, seen)) return bad(400, why);
  }
  if (head.chunked && head.content_length) return bad(400, "Content-Length with Transfer-Encoding");
  if (head.chunked && head.version == 10) return bad(400, "Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !seen.close && (head.version == 11 || seen.keep_alive);
  if (seen.upgrade && head.version == 11) head.upgrade = seen.upgrade_to;
  return {Parsed::kDone, 0, 0, ""};
}

// Puts the target into origin form. Null: fine.
const char* apply_target(H1Head& head) {
  std::string_view target = head.target;
  if (target[0] == '/') return nullptr;
  if (target == "*") return head.method == "OPTIONS" ? nullptr : "target * without OPTIONS";
  if (head.method == "CONNECT") return "CONNECT is not served";
  size_t scheme = same_name(target.substr(0, 7), "http://")    ? 7
                  : same_name(target.substr(0, 8), "https://") ? 8
                                                               : 0;
  if (scheme == 0) return "malformed target";
  size_t slash = target.find_first_of("/?", scheme);
  std::string_view authority = target.substr(scheme, slash == target.npos ? slash : slash - scheme);
  if (authority.empty() || !is_host(authority)) return "malformed target";
  head.authority = authority;
  head.target = slash == target.npos ? std::string_view("/") : target.substr(slash);
  if (head.target[0] != '/') return "malformed target";
  return nullptr;
}

}  // namespace

bool parse_fields(std::string_view text, std::vector<FieldView>& fields) {
  while (!text.empty()) {
    const void* found = std::memchr(text.data(), '\n', text.size());
    if (!found) return false;
    size_t lf = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    if (lf < 1 || text[lf - 1] != '\r') return false;
    std::string_view line = text.substr(0, lf - 1);
    text.remove_prefix(lf + 1);
    size_t colon = line.find(':');
    if (colon == line.npos) return false;
    std::string_view name = line.substr(0, colon), value = trim_blanks(line.substr(colon + 1));
    if (!is_token(name) || !is_field_value(value)) return false;
    fields.push_back({name, value});
  }
  return true;
}

Parsed parse_request(std::string_view text, size_t& scanned, size_t most_bytes, H1Head& head) {
  size_t skipped = 0;
  if (text.size() >= 2 && text[0] == '\r' && text[1] == '\n') {  // one empty line is forgiven
    skipped = 2;
    text.remove_prefix(2);
  } else if (text == "\r") {
    return {};
  }
  size_t from = scanned > skipped ? scanned - skipped : 0;
  Parsed end = find_end(text, from, most_bytes);
  scanned = from + skipped;
  if (end.state != Parsed::kDone) return end;

  head.clear();
  size_t eol = text.find('\r');
  std::string_view line = text.substr(0, eol);
  if (text[eol + 1] != '\n') return bad(400, "carriage return without line feed");
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return bad(400, "malformed request line");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method) || head.method.size() > 32) return bad(400, "malformed method");
  if (!is_target(head.target)) return bad(400, "malformed target");
  head.version = parse_version(line.substr(last + 1));
  if (head.version == 0) return {Parsed::kBad, 0, 400, "malformed version", true};
  if (head.version < 0) return bad(505, "version not served");

  Seen seen;
  size_t begin = eol + 2;
  Parsed fields = apply_fields(text.substr(begin, end.used - 2 - begin), head, seen);
  if (fields.state == Parsed::kBad) return fields;
  if (seen.hosts == 0 && head.version == 11) return bad(400, "no Host");
  if (const char* why = apply_target(head)) {
    return bad(head.method == "CONNECT" ? 405 : 400, why);
  }
  end.used += skipped;
  return end;
}

Parsed parse_response(std::string_view text, size_t& scanned, size_t most_bytes, H1Head& head) {
  Parsed end = find_end(text, scanned, most_bytes);
  if (end.state != Parsed::kDone) return end;
  head.clear();
  size_t eol = text.find('\r');
  std::string_view line = text.substr(0, eol);
  if (text[eol + 1] != '\n' || line.size() < 12 || line[8] != ' ')
    return bad(502, "malformed status line");
  head.version = parse_version(line.substr(0, 8));
  uint64_t status = 0;
  if (head.version <= 0 || !parse_number(line.substr(9, 3), status) || status < 100 ||
      (line.size() > 12 && line[12] != ' ') || !is_field_value(line.substr(12))) {
    return bad(502, "malformed status line");
  }
  head.status = static_cast<int>(status);
  Seen seen;
  size_t begin = eol + 2;
  Parsed fields = apply_fields(text.substr(begin, end.used - 2 - begin), head, seen);
  if (fields.state == Parsed::kBad) return bad(502, fields.why);
  return end;
}

void ChunkedDecoder::reset() {
  state_ = State::kSize;
  digits_ = 0;
  extension_ = 0;
  left_ = 0;
  trailer_.clear();
}

// A byte of the chunk's size line.
bool ChunkedDecoder::size_byte(char c) {
  int digit = c >= '0' && c <= '9'   ? c - '0'
              : c >= 'a' && c <= 'f' ? c - 'a' + 10
              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                     : -1;
  if (digit >= 0) {
    if (++digits_ > 15) return false;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return true;
  }
  if (digits_ == 0) return false;
  if (c == ';')
    state_ = State::kExtension;
  else if (c == '\r')
    state_ = State::kSizeLf;
  else
    return false;
  return true;
}

// A byte of the trailer section; the blank line ends it.
bool ChunkedDecoder::trailer_byte(char c) {
  if (trailer_.size() >= most_trailer_) return false;
  if (c == '\n' && (trailer_.empty() || trailer_.back() != '\r')) return false;
  trailer_ += c;
  if (c != '\n') return true;
  std::string_view text = trailer_;
  if (text != "\r\n" && !text.ends_with("\r\n\r\n")) return true;
  trailer_.resize(trailer_.size() - 2);
  std::vector<FieldView> fields;
  if (!parse_fields(trailer_, fields) || fields.size() > kMostFields) return false;
  state_ = State::kDone;
  return true;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  Step step;
  while (step.used < input.size() && state_ != State::kDone) {
    if (state_ == State::kData) {
      size_t n = static_cast<size_t>(std::min<uint64_t>(left_, input.size() - step.used));
      step.data = input.substr(step.used, n);
      step.used += n;
      left_ -= n;
      if (left_ == 0) state_ = State::kDataCr;
      return step;
    }
    char c = input[step.used++];
    bool ok = true;
    switch (state_) {
      case State::kSize:
        ok = size_byte(c);
        break;
      case State::kExtension:
        if (c == '\r')
          state_ = State::kSizeLf;
        else
          ok = ++extension_ <= 1024 && is_field_value(std::string_view(&c, 1));
        break;
      case State::kSizeLf:
        ok = c == '\n';
        state_ = left_ == 0 ? State::kTrailer : State::kData;
        digits_ = 0;
        break;
      case State::kDataCr:
        ok = c == '\r';
        state_ = State::kDataLf;
        break;
      case State::kDataLf:
        ok = c == '\n';
        state_ = State::kSize;
        break;
      case State::kTrailer:
        ok = trailer_byte(c);
        break;
      case State::kData:
      case State::kDone:
        break;
    }
    if (!ok) {
      step.bad = true;
      return step;
    }
  }
  step.done = state_ == State::kDone;
  return step;
}

Headers ChunkedDecoder::trailers() const {
  std::vector<FieldView> fields;
  Headers out;
  if (!parse_fields(trailer_, fields)) return out;
  for (const FieldView& f : fields) {
    if (is_hop_by_hop(f.name) || same_name(f.name, "content-length") || same_name(f.name, "host"))
      continue;
    out.add(f.name, f.value);
  }
  return out;
}

}  // namespace proa::http
