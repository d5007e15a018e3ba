// PodWorker: one pod on this node, from its first sight to its removal from the API.
//
//   set up (address, volumes) → init containers in order → containers → end → removal
//
// Every change leads to step(), which starts what may start, and to at most one status write a turn
// of the loop. Owned by Node; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/node/container.h"

namespace proa::node {

class PodWorker {
 public:
  // ended: the pod is gone from the API and nothing of it is left; the owner may destroy the
  // worker, but not from inside the call.
  // running: what goes on of an earlier node's; null: everything starts anew.
  using Running = std::vector<std::pair<InheritedContainer*, Zygote*>>;
  PodWorker(NodeContext& context, client::Object pod, std::string ip, std::function<void()> ended,
            const Running* running = nullptr);
  ~PodWorker();
  PodWorker(const PodWorker&) = delete;

  void start();
  void update(client::Object pod);  // the API has another version of it
  void gone();                      // the API has it no more: end it at once
  void shut_down();                 // the node stops: end the processes, write nothing
  bool has_processes() const;
  bool uses(const Zygote& zygote) const;
  // Handover, with the loop ended: its processes; none if they cannot go, and have been ended.
  std::vector<std::pair<InheritedContainer, Zygote*>> go();
  void refresh_volumes();  // ConfigMaps or Secrets have changed
  void image_table_changed();

  const client::Object& pod() const { return view_.pod; }
  const std::string& ip() const { return view_.ip; }
  const Container* container(const std::string& name) const;  // nullptr if there is none

 private:
  void make_containers(const Running* running);
  void find_volumes();
  void set_up();
  void step();
  bool step_init();
  void begin_stop(Duration grace);
  void finish_if_stopped();
  void finish();
  void changed();
  void tell_ready(bool ready);
  void publish_soon(Duration wait);
  void publish();
  PodObserved observe();
  void watch_deadline();
  bool over() const;

  NodeContext& context_;
  PodView view_;
  std::function<void()> ended_;
  std::vector<std::unique_ptr<Container>> init_, containers_;
  bool ready_to_start_ = false, stopping_ = false, gone_ = false, quiet_ = false, finished_ = false;
  bool told_ready_ = false, terminal_before_ = false, warned_ = false;
  std::string start_time_, failed_reason_, failed_message_, set_up_error_;
  json::Value written_;  // the status as last written
  async::TimerId retry_ = 0, deadline_ = 0, publish_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::node
