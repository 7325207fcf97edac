import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.fleet.handlers.words import WordError, packages, units


@pytest.mark.parametrize(
    "name", ["lftp", "g++", "libstdc++6", "python3.11", "libc6:arm64", "lftp=4.9.2-2", "x=1:2.0~rc1"]
)
def test_a_packages_name_is_one(name):
    assert packages([name]) == [name]


@pytest.mark.parametrize(
    "name",
    ["-y", "--force-yes", "-oDpkg::Options::=x", "lftp-", "lftp+", "lftp:arm64-", "./evil.deb", "/tmp/evil.deb", "*"],
)
def test_what_apt_would_take_for_an_order_is_no_packages_name(name):
    with pytest.raises(WordError, match="no name of a package"):
        packages([name])


@pytest.mark.parametrize("name", ["l.*/stable", "lftp;id", "$(id)", "lftp\nid", "lftp\tid", "lft'p", "ä"])
def test_what_apt_would_take_for_something_else_is_no_packages_name(name):
    with pytest.raises(WordError, match="no name of a package"):
        packages([name])


@pytest.mark.parametrize("name", ["ssh", "ssh.service", "getty@tty1.service", r"dev-disk\x2did", "user@1000"])
def test_a_services_name_is_one(name):
    assert units([name]) == [name]


@pytest.mark.parametrize("name", ["--force", "-H", "../x", "a/b", "a;b", "a\nb", "$(id)", ".hidden", "a*"])
def test_what_systemctl_would_take_for_something_else_is_no_services_name(name):
    with pytest.raises(WordError, match="no name of a service"):
        units([name])


def test_a_template_gives_several_names_as_one_argument():
    assert packages(["lftp dos2unix", "", "wget  curl "]) == ["lftp", "dos2unix", "wget", "curl"]


@pytest.mark.parametrize("nothing", [[], [""], ["  "]])
def test_no_name_at_all_is_refused(nothing):
    with pytest.raises(WordError, match="no name was given"):
        packages(nothing)


@given(st.lists(st.text(), max_size=3))
def test_no_word_that_passes_is_an_option_or_holds_what_a_shell_knows(arguments):
    for rule in (packages, units):
        try:
            words = rule(arguments)
        except WordError:
            continue
        assert not any(word.startswith("-") or set(word) & set(" ;&|$`'\"<>()*?[]{}!#\n\t/") for word in words)
