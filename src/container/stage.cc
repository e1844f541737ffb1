// In the child that becomes the runtime. Sources are opened before the tmpfs hides /tmp, and carried over as detached mounts.
#include "container/stage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fd.h"
#include "container/init_protocol.h"

namespace ebb::container {

namespace {

namespace fs = std::filesystem;

constexpr const char* kStage = "/tmp";
constexpr const char* kInitInside = "/.ebb/init";
constexpr int kDescriptorsKept = kEventsFd - 2;  // after the standard ones

[[noreturn]] void give_up(const std::string& what) {
  const std::string line = fmt::format("{}: {}\n", what, std::strerror(errno));
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(kStageFailed);
}

[[noreturn]] void give_up_on_source(const std::string& source) {
  if (errno != ENOENT && errno != ENOTDIR) give_up(source);
  const std::string line = source + " is not there\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(kSourceMissing);
}

void write_whole(const std::string& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) give_up(path);
}

void enter_own_user_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) give_up("a user namespace");
  write_whole("/proc/self/setgroups", "deny");
  write_whole("/proc/self/uid_map", fmt::format("0 {} 1", uid));
  write_whole("/proc/self/gid_map", fmt::format("0 {} 1", gid));
}

// A user namespace with this mapping, held by its descriptor alone.
Fd user_namespace(const IdRange& uids, const IdRange& gids) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Fd ready(ends[0]);
  Fd tell(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const char made = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    (void)!::write(tell.get(), &made, 1);
    // A new user namespace may have cleared it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) ::pause();
    ::_exit(0);
  }
  if (child < 0) return {};
  tell.reset();
  char made = 'n';
  Fd held;
  if (::read(ready.get(), &made, 1) == 1 && made == 'y') {
    const auto map = [&](const char* file, const IdRange& range) {
      const Fd out(::open(fmt::format("/proc/{}/{}", child, file).c_str(), O_WRONLY | O_CLOEXEC));
      const std::string line = fmt::format("{} {} {}", range.inside, range.outside, range.size);
      return out && ::write(out.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
    };
    if (map("uid_map", uids) && map("gid_map", gids)) held = Fd(::open(fmt::format("/proc/{}/ns/user", child).c_str(), O_RDONLY | O_CLOEXEC));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return held;
}

Fd clone_tree(const std::string& source) {
  return Fd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
}

bool set_attributes(const Fd& tree, uint64_t attributes, const Fd& owners) {
  mount_attr change{};
  change.attr_set = attributes;
  if (owners) {
    change.attr_set |= MOUNT_ATTR_IDMAP;
    change.userns_fd = static_cast<uint64_t>(owners.get());
  }
  return ::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) == 0;
}

struct Tree {
  Fd mount;
  bool folder = true;
};

// A detached, read-only view of the source with its owners mapped; if the file system cannot map them, with those that it has.
Tree open_tree(const std::string& source, uint64_t attributes, const Fd& owners) {
  Tree tree{.mount = clone_tree(source)};
  struct stat about {};
  if (!tree.mount || ::fstat(tree.mount.get(), &about) != 0) give_up_on_source(source);
  tree.folder = S_ISDIR(about.st_mode);
  if (!set_attributes(tree.mount, attributes, owners) && !(owners && set_attributes(tree.mount, attributes, {}))) give_up(source);
  return tree;
}

class Stage {
 public:
  explicit Stage(const StageInput& input) : in_(input) {}

  [[noreturn]] void run() {
    open_sources();
    make_skeleton();
    mount_all();
    hide_what_confuses();
    write_whole(stage_path("config.json"), json::serialize(oci_config(config())));
    execute();
  }

 private:
  static std::string stage_path(std::string_view name) { return fmt::format("{}/{}", kStage, name); }

  // Owners of the image as they are inside; of what is mounted besides, whoever owns it is the function.
  void open_sources() {
    constexpr uint64_t kReadOnly = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    Fd owners;
    if (in_.runtime->idmapped_mounts)
      owners = user_namespace({.inside = 0, .outside = in_.host_id_base, .size = 65536}, {.inside = 0, .outside = in_.host_id_base, .size = 65536});
    image_ = open_tree(in_.root, kReadOnly, owners);
    if (!image_.folder) {
      errno = ENOTDIR;
      give_up_on_source(in_.root);
    }
    init_ = open_tree(in_.runtime->init_program, kReadOnly, {});
    for (const StageMount& mount : in_.mounts) {
      struct stat about {};
      if (::stat(mount.source.c_str(), &about) != 0) give_up_on_source(mount.source);
      Fd owner;
      if (in_.runtime->idmapped_mounts)
        owner =
            user_namespace({.inside = about.st_uid, .outside = in_.host_id_base + in_.uid}, {.inside = about.st_gid, .outside = in_.host_id_base + in_.gid});
      binds_.push_back(open_tree(mount.source, kReadOnly, owner));
    }
  }

  // Real folders, so that nothing of the image decides where a mount goes.
  void make_skeleton() {
    if (::mount("tmpfs", kStage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") != 0) give_up("the stage");
    for (const char* name : {"image", "root", "init", "binds", "state", "skeleton", "skeleton/proc", "skeleton/dev", "skeleton/sys", "skeleton/tmp",
                             "skeleton/etc", "skeleton/.ebb"})
      make_folder(stage_path(name));
    write_whole(stage_path("skeleton/etc/hosts"), fmt::format("127.0.0.1 localhost {0}\n::1 localhost {0}\n", in_.hostname));
    write_whole(stage_path("skeleton/etc/hostname"), in_.hostname + "\n");
    write_whole(stage_path("skeleton/etc/resolv.conf"), "");
    write_whole(stage_path("skeleton/.ebb/init"), "");
    for (size_t i = 0; i < binds_.size(); ++i) {
      const fs::path place = stage_path("skeleton") + in_.mounts[i].destination;
      for (fs::path above = stage_path("skeleton"); const fs::path& part : fs::path(in_.mounts[i].destination).parent_path().relative_path())
        make_folder(above /= part);
      if (binds_[i].folder)
        make_folder(place);
      else
        write_whole(place, "");
    }
    if (in_.runtime->root) give_skeleton_away();
  }

  static void make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) give_up(path);
    ::chmod(path.c_str(), 0755);
  }

  void give_skeleton_away() const {
    const auto give = [this](const fs::path& path) {
      if (::lchown(path.c_str(), in_.host_id_base, in_.host_id_base) != 0) give_up(path);
    };
    give(stage_path("skeleton"));
    for (const auto& entry : fs::recursive_directory_iterator(stage_path("skeleton")))
      give(entry.path());
  }

  void mount_all() {
    attach(image_.mount, stage_path("image"));
    write_whole(stage_path("init/program"), "");
    attach(init_.mount, stage_path("init/program"));
    for (size_t i = 0; i < binds_.size(); ++i) {
      const std::string place = bind_place(i);
      if (binds_[i].folder)
        make_folder(place);
      else
        write_whole(place, "");
      attach(binds_[i].mount, place);
    }
    // By relative names: the container sees these options.
    if (::chdir(kStage) != 0 || ::mount("overlay", "root", "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, "lowerdir=skeleton:image") != 0)
      give_up("the container's root");
  }

  static void attach(const Fd& tree, const std::string& place) {
    if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) give_up(place);
  }

  static std::string bind_place(size_t index) { return stage_path(fmt::format("binds/{}", index)); }

  // crun takes a version 2 tree beside those of version 1 for an error. Covered and not unmounted: it makes a folder there all the same, which would
  // stay in what lies below.
  void hide_what_confuses() const {
    if (!in_.runtime->hybrid || in_.runtime->tool != Runtime::Tool::kCrun) return;
    constexpr const char* kUnified = "/sys/fs/cgroup/unified";
    if (::mount("tmpfs", kUnified, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k") != 0) give_up(kUnified);
  }

  OciInput config() const {
    OciInput made = in_.config;
    made.root = stage_path("root");
    made.args = {kInitInside};
    const LimitsWithoutCgroup& limits = in_.without_cgroup;
    if (limits.processes_max > 0) made.args = {kInitInside, std::to_string(limits.process_bytes_max), std::to_string(limits.processes_max), in_.id};
    made.binds.push_back({.source = stage_path("init/program"), .destination = kInitInside});
    for (size_t i = 0; i < binds_.size(); ++i)
      made.binds.push_back({.source = bind_place(i), .destination = in_.mounts[i].destination});
    return made;
  }

  [[noreturn]] void execute() {
    const Runtime& runtime = *in_.runtime;
    std::vector<std::string> arguments{runtime.program, fmt::format("--root={}", stage_path("state"))};
    if (runtime.tool == Runtime::Tool::kCrun)
      arguments.push_back(runtime.cgroups == CgroupKind::kNone ? "--cgroup-manager=disabled" : "--cgroup-manager=cgroupfs");
    for (const std::string& argument :
         {std::string("run"), std::string("--detach"), fmt::format("--bundle={}", kStage), fmt::format("--preserve-fds={}", kDescriptorsKept), in_.id})
      arguments.push_back(argument);
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
      pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char* const environment[] = {path, nullptr};
    ::execve(runtime.program.c_str(), pointers.data(), environment);
    give_up(runtime.program);
  }

  const StageInput& in_;
  Tree image_;
  Tree init_;
  std::vector<Tree> binds_;
};

void enter_own_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("a mount namespace");
}

}  // namespace

void become_runtime(const StageInput& input) {
  ::umask(022);
  if (!input.runtime->root) enter_own_user_namespace();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // which a new user namespace clears
  enter_own_mounts();
  Stage(input).run();
}

bool can_map_owners(const std::string& folder) {
  if (::geteuid() != 0) return false;
  const Fd owners = user_namespace({.inside = 0, .outside = 65536, .size = 65536}, {.inside = 0, .outside = 65536, .size = 65536});
  const Fd tree = clone_tree(folder);
  return owners && tree && set_attributes(tree, 0, owners);
}

}  // namespace ebb::container
