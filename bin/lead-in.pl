# perl lead-in.pl <folder> <web helper> <remote> <url> <word>...
#
# Starts git's own web helper, and in this process gam's helper in node, which lies in the folder. While that loads, git and
# the web helper talk to each other up to the point where canonical's line is opened: its first two round trips take
# longer than node's start, which then costs nothing. perl, since sh has no way to hold both ends of a child; any old
# one, without modules.
#
# node's program gets one more word: the descriptors of the web helper's standard input and output, of what was said so far,
# of how the web helper ended, and of a line for orders (src/transport/lead-in.ts).
use strict;

my ($folder, $helper, $remote, $url, @words) = @ARGV;
delete $ENV{PERL_BADLANG};

# Pipes are handed on.
$^F = 255;
my ($to_web, $web_input, $web_output, $from_web, $said, $says, $ended, $ends, $orders, $order, $needed, $needs);
(pipe($to_web, $web_input) && pipe($web_output, $from_web) && pipe($said, $says) && pipe($ended, $ends)
  && pipe($orders, $order) && pipe($needed, $needs)) or take_over();

# Objects that a partial clone lacks come from a mirror, perhaps, and canonical is not needed: node will see.
my $deferring = is_on_demand() && was_greeted_lately();
# Where node is mostly not needed, it waits for a word that it is.
my $patient = !$deferring && has_just_fetched();
my $keeper = fork;
if (defined $keeper && $keeper == 0) {
  close $_ for $said, $ended, $order, $needed;
  keep();
  exit 0;
}
close $_ for $to_web, $from_web, $says, $ends, $orders, $needs;
defined $keeper or take_over();
end_like_web_helper() if $patient && !defined line_from($needed);
close $needed;
take_over(join ',', map { fileno $_ } $web_input, $web_output, $said, $ended, $order);

# Whether git has written FETCH_HEAD a moment ago, which it empties before it starts a helper. Then it comes a second time,
# for tags that it follows, mostly finds that it has them, and goes with nothing but options said.
sub has_just_fetched {
  defined $ENV{GIT_DIR} or return 0;
  my ($size, $written) = (stat "$ENV{GIT_DIR}/FETCH_HEAD")[7, 9];
  return $size && abs(time - $written) < 2;
}

# Whether git fetches what a partial clone turned out to need (src/git/on-demand.ts).
sub is_on_demand {
  return ($ENV{GIT_CONFIG_PARAMETERS} || '') =~ /'fetch\.negotiationalgorithm(?:=|'=')noop'/i;
}

# Whether there is a greeting of canonical's that still counts; node looks at what it says (src/state/greetings.ts).
sub was_greeted_lately {
  my ($state, $home) = map { defined $_ && m{^/} ? $_ : undef } @ENV{qw(XDG_STATE_HOME HOME)};
  defined $state || defined $home or return 0;
  # FNV-1a.
  my $hash = 0x811c9dc5;
  $hash = (($hash ^ $_) * 0x01000193) % 2**32 for unpack 'C*', $url;
  my $file = sprintf '%s/gam/greetings/%08x', defined $state ? $state : "$home/.local/state", $hash;
  my ($written) = (stat $file)[9];
  return defined $written && abs(time - $written) < 600;
}

# Ends with the status of the web helper, of which git wanted nothing.
sub end_like_web_helper {
  close $_ for $web_input, $web_output;
  my ($status, $signal) = split ' ', line_from($ended) || '128 0';
  exit($signal ? 128 : $status);
}

# Lets node have this process, with a word more or as if nothing had been.
sub take_over {
  exec 'node', physical($folder) . 'git-remote-mirror.js', @words, @_;
  exit 127;
}

# node works `..` out of a path before it follows links.
sub physical {
  my ($path) = @_;
  return $path unless $path =~ m{(?:^|/)\.\./};
  open my $shell, '-|', 'sh', '-c', 'CDPATH= cd -P "$1" && pwd -P', 'sh', $path or return $path;
  my $found = join '', <$shell>;
  return close $shell && $found =~ s{\n\z}{/} ? $found : $path;
}

# Starts the web helper, leads in, and looks after it to its end. It gets the signals that are ordered, and is ended when
# node is gone, which may happen while it loads; on the order `leave` it may end by itself, for which it then has some
# seconds.
sub keep {
  my $web = fork;
  defined $web or return;
  if ($web == 0) {
    open(STDIN, '<&', $to_web) && open(STDOUT, '>&', $from_web) or exit 127;
    close $_ for $to_web, $web_input, $web_output, $from_web, $says, $ends, $orders, $needs;
    exec { $helper } $helper, $remote, $url;
    exit 127;
  }
  # What ends git's command from the terminal ends the web helper, too, and is to be told.
  $SIG{$_} = 'IGNORE' for qw(INT HUP TERM PIPE);
  close $_ for $to_web, $from_web;
  my $pause = lead_in() eq 'over' ? 0.01 : 1;
  # git and node have these for themselves now.
  close $_ for *STDIN, *STDOUT, $web_input, $web_output, $says, $needs;
  # Its end interrupts the select; if it comes just before, that is seen a pause later.
  $SIG{CHLD} = sub { };
  my ($gone, $left) = (0, 0);
  # WNOHANG, wherever git runs.
  until (waitpid($web, 1) == $web) {
    my $ready = '';
    vec($ready, fileno $orders, 1) = 1 unless $gone;
    my $found = select($ready, undef, undef, $pause);
    if ($found > 0) {
      my $order = line_from($orders);
      if (!defined $order) {
        $gone = 1;
        # One that was left is ending by itself, and may have cookies to write.
        kill 'TERM', $web unless $left;
      } elsif ($order eq "leave\n") {
        $left = 1;
      } else {
        chomp $order;
        kill $order, $web;
      }
    } elsif ($gone && ($gone += $pause) > 3) {
      kill 'KILL', $web;
    }
  }
  syswrite $ends, sprintf "%d %d\n", $? >> 8, $? & 127;
}

# Lines that need no answer of gam's are passed on, and said to node as `passed <line>`; the first other one, or
# the one that opens canonical's line, is the last. Where canonical may not be needed, that one is node's, too. Nothing behind is taken from whoever reads on. The very last line,
# `until <seconds>`, says when that was; it is missing where the web helper has ended. A patient node is told that it is
# needed; it is not where git takes its leave, and then it is `over`.
sub lead_in {
  while (defined(my $line = line_from(*STDIN))) {
    if ($patient && $line eq "\n") {
      syswrite $web_input, $line;
      return 'over';
    }
    if ($line !~ /^(?:capabilities|option .*|stateless-connect git-upload-pack)$/
      || ($deferring && $line =~ /^stateless-connect/)) {
      syswrite $needs, "node\n";
      syswrite $says, "asked $line";
      last;
    }
    syswrite $needs, "node\n" if $line =~ /^stateless-connect/;
    syswrite $web_input, $line;
    syswrite $says, "passed $line";
    last if $line =~ /^stateless-connect/;
    my $answer;
    do {
      $answer = line_from($web_output);
      return '' unless defined $answer;
      syswrite STDOUT, $answer;
    } until $answer eq "\n" || $line =~ /^option/;
  }
  syswrite $says, 'until ' . now() . "\n";
  return '';
}

# Byte by byte, since what follows is for others.
sub line_from {
  my ($stream) = @_;
  my $line = '';
  until ($line =~ /\n\z/) {
    sysread($stream, $line, 1, length $line) or return undef;
  }
  return $line;
}

# Seconds since the epoch; nothing where perl came without the module.
sub now {
  return eval { require Time::HiRes; Time::HiRes::time() } || '';
}
