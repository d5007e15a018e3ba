// DNS messages (RFC 1035, 2308, 6891): reading a question, writing the reply.
#include <algorithm>
#include <optional>

#include "foundation/base/strings.h"
#include "platform/dns/zone.h"

namespace proa::dns {

namespace {

constexpr uint16_t kA = 1, kCname = 5, kSoa = 6, kAaaa = 28, kOpt = 41, kAny = 255;
constexpr int kNoError = 0, kFormatError = 1, kNameError = 3, kNotImplemented = 4;
constexpr uint32_t kTtl = 5;
constexpr int kMostChain = 8;

uint16_t u16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}
void put16(std::string& out, uint16_t v) {
  out += static_cast<char>(v >> 8);
  out += static_cast<char>(v & 255);
}
void put32(std::string& out, uint32_t v) {
  put16(out, static_cast<uint16_t>(v >> 16));
  put16(out, static_cast<uint16_t>(v));
}
void put_name(std::string& out, std::string_view name) {
  for (std::string_view label : split(name, '.')) {
    if (label.empty()) continue;
    label = label.substr(0, 63);
    out += static_cast<char>(label.size());
    out += label;
  }
  out += '\0';
}

struct Question {
  std::string name;  // lower case, without the last dot
  uint16_t type = 0, klass = 0;
  size_t end = 0;  // of the question section
  bool edns = false;
  size_t most_udp = 512;
};

// nullopt: the question cannot be read.
std::optional<Question> read_question(std::string_view query) {
  Question q;
  size_t at = 12;
  while (true) {
    if (at >= query.size()) return {};
    auto length = static_cast<unsigned char>(query[at++]);
    if (length == 0) break;
    if (length > 63 || at + length > query.size() || q.name.size() + length > 253) return {};
    if (!q.name.empty()) q.name += '.';
    std::string_view label = query.substr(at, length);
    if (label.find('.') != std::string_view::npos) return {};  // would read as two labels
    q.name += lower(label);
    at += length;
  }
  if (at + 4 > query.size()) return {};
  q.type = u16(query, at), q.klass = u16(query, at + 2);
  q.end = at + 4;
  // OPT, if it is the one additional record: root name, type, UDP size.
  if (u16(query, 6) == 0 && u16(query, 8) == 0 && u16(query, 10) >= 1 &&
      q.end + 11 <= query.size() && query[q.end] == 0 && u16(query, q.end + 1) == kOpt) {
    q.edns = true;
    q.most_udp = std::clamp<size_t>(u16(query, q.end + 3), 512, 4096);
  }
  return q;
}

class Reply {
 public:
  Reply(std::string_view query, const Question* q) : question_(q) {
    bytes_.assign(query.substr(0, 2));
    // QR, AA, the query's opcode and RD, RA.
    bytes_ += static_cast<char>(0x84 | (query[2] & 0x79));
    bytes_ += static_cast<char>(0x80);
    put16(bytes_, q ? 1 : 0);
    bytes_.append(6, '\0');
    if (q) bytes_ += query.substr(12, q->end - 12);
  }
  void rcode(int code) { bytes_[3] = static_cast<char>((bytes_[3] & 0xf0) | code); }
  void record(std::string_view owner, uint16_t type, std::string_view data) {
    if (owner.empty())
      put16(bytes_, 0xc00c);  // the question's name
    else
      put_name(bytes_, owner);
    put16(bytes_, type);
    put16(bytes_, 1);
    put32(bytes_, kTtl);
    put16(bytes_, static_cast<uint16_t>(data.size()));
    bytes_ += data;
    ++(type == kSoa ? authorities_ : answers_);
  }
  void soa(const std::string& domain) {
    std::string data;
    put_name(data, "ns.dns." + domain);
    put_name(data, "hostmaster." + domain);
    for (uint32_t v : {1u, 7200u, 1800u, 86400u, kTtl}) put32(data, v);
    record(domain, kSoa, data);
  }
  std::string finish(bool udp) {
    if (udp && question_ && bytes_.size() + 11 > question_->most_udp) {
      bytes_.resize(question_->end);
      bytes_[2] = static_cast<char>(bytes_[2] | 2);  // TC
      answers_ = authorities_ = 0;
    }
    set16(6, answers_);
    set16(8, authorities_);
    if (question_ && question_->edns) {
      bytes_ += '\0';
      put16(bytes_, kOpt);
      put16(bytes_, 1232);
      put32(bytes_, 0);
      put16(bytes_, 0);
      set16(10, 1);
    }
    return std::move(bytes_);
  }

 private:
  void set16(size_t at, uint16_t v) {
    bytes_[at] = static_cast<char>(v >> 8);
    bytes_[at + 1] = static_cast<char>(v & 255);
  }
  std::string bytes_;
  const Question* question_;
  uint16_t answers_ = 0, authorities_ = 0;
};

bool within(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                            name[name.size() - domain.size() - 1] == '.');
}

// The records for the question's name, CNAMEs followed. False: the name does not exist.
bool add_records(Reply& reply, const Question& q, const Zone& zone, bool* any) {
  std::string name = q.name, owner;
  for (int depth = 0; depth < kMostChain; ++depth) {
    auto found = zone.names.find(name);
    if (found == zone.names.end()) return depth > 0 || zone.parents.contains(name);
    const Records& r = found->second;
    if (!r.cname.empty()) {
      std::string data;
      put_name(data, r.cname);
      reply.record(owner, kCname, data);
      *any = true;
      if (q.type == kCname || r.cname == q.name) return true;
      name = owner = r.cname;
      continue;
    }
    size_t most = 256;
    if (q.type == kA || q.type == kAny)
      for (const std::string& a : r.v4)
        if (most && most--) reply.record(owner, kA, a), *any = true;
    if (q.type == kAaaa || q.type == kAny)
      for (const std::string& a : r.v6)
        if (most && most--) reply.record(owner, kAaaa, a), *any = true;
    return true;
  }
  return true;
}

}  // namespace

Answer answer(std::string_view query, const Zone& zone, bool udp) {
  if (query.size() < 12 || (query[2] & 0x80)) return {};  // no header, or a reply
  if (int opcode = (query[2] >> 3) & 15; opcode != 0) {
    Reply reply(query, nullptr);
    reply.rcode(kNotImplemented);
    return {Answer::kReply, reply.finish(udp)};
  }
  std::optional<Question> q;
  if (u16(query, 4) == 1) q = read_question(query);
  if (!q) {
    Reply reply(query, nullptr);
    reply.rcode(kFormatError);
    return {Answer::kReply, reply.finish(udp)};
  }
  const bool local = within(q->name, "localhost");
  if (q->klass != 1 ||
      (!local && !within(q->name, zone.domain) && !within(q->name, "127.in-addr.arpa")))
    return {Answer::kForward, {}};
  Reply reply(query, &*q);
  if (local) {
    if (q->type == kA || q->type == kAny) reply.record("", kA, std::string_view("\x7f\0\0\1", 4));
    return {Answer::kReply, reply.finish(udp)};
  }
  bool any = false;
  const bool exists = add_records(reply, *q, zone, &any);
  reply.rcode(exists ? kNoError : kNameError);
  if (!any) reply.soa(zone.domain);
  return {Answer::kReply, reply.finish(udp)};
}

std::string failure(std::string_view query, int rcode) {
  if (query.size() < 12) return "";
  auto q = read_question(query);
  Reply reply(query, q ? &*q : nullptr);
  reply.rcode(rcode);
  return reply.finish(true);
}

}  // namespace proa::dns
