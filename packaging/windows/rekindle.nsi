; The setup of Rekindle: for one person, without an administrator. packaging/windows.py gives it
;   VERSION, VERSION4 (four numbers), CONTENT, REMOVAL and PROBES (files with the lines that lay out the program, delete
;   it, and ask whether somebody has it open), ICON, PICTURE (of the first and the last page), LICENCE, TARGET, KILOBYTES, and SIGN (a command) where there is a certificate.
;
; Switches: /S silent, /DESKTOP=1 with an icon on the desktop (silent only; the last page asks else),
;   /D=FOLDER another folder (must come last), /OLDER=1 also over a newer version (silent only). Exit status: 0 done,
;   1 stopped by the person, 2 not possible, 3 the program or another setup is open, 4 a newer version is there,
;   5 no room on the disk.
; What belongs to the person (keys, boards, settings) is in another folder and is never touched.

Unicode true
Target amd64-unicode
SetCompressor /SOLID /FINAL lzma
SetCompressorDictSize 64
SetDateSave on
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
CRCCheck force
AllowSkipFiles off ; a program with a file of the version before among its own would not start

!include MUI2.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include WordFunc.nsh
!include LogicLib.nsh

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Rekindle"

Name "Rekindle"
Caption "Rekindle ${VERSION}"
BrandingText "Rekindle ${VERSION}"
OutFile "${TARGET}"
InstallDir "$LOCALAPPDATA\Programs\Rekindle"
InstallDirRegKey HKCU "${KEY}" "InstallLocation"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${VERSION4}"
VIFileVersion "${VERSION4}"
VIAddVersionKey ProductName "Rekindle"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Setup of Rekindle"
VIAddVersionKey CompanyName "The Rekindle contributors"
VIAddVersionKey LegalCopyright "The Rekindle contributors. Apache License 2.0"

!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"'
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_WELCOMEPAGE_TITLE "Rekindle ${VERSION}"
!define MUI_WELCOMEPAGE_TEXT "Rekindle sets up and brings back Spark Core, Particle Photon, P1 and Electron boards over USB.$\r$\n$\r$\nIt is installed for you alone; no administrator is needed. The firmware files for a rescue come with it, so it works without a network.$\r$\n$\r$\nAn older Rekindle is replaced. Your keys and settings stay."
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_UNWELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_LICENSEPAGE_TEXT_TOP "The Apache License, version 2.0:"
!define MUI_LICENSEPAGE_BUTTON "&Next >"
!define MUI_LICENSEPAGE_TEXT_BOTTOM "You need not agree to anything in order to use Rekindle. The licences of what it brings along are in the folder licences."
!define MUI_FINISHPAGE_TITLE "Rekindle is installed"
!define MUI_FINISHPAGE_TEXT "You find it in the Start menu.$\r$\n$\r$\nTo take it off again: Settings, Apps. Your keys stay even then."
!define MUI_FINISHPAGE_RUN "$INSTDIR\Rekindle.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Start Rekindle"
!define MUI_FINISHPAGE_SHOWREADME ""
!define MUI_FINISHPAGE_SHOWREADME_TEXT "Put an icon on the desktop"
!define MUI_FINISHPAGE_SHOWREADME_NOTCHECKED
!define MUI_FINISHPAGE_SHOWREADME_FUNCTION DesktopIcon
!define MUI_UNCONFIRMPAGE_TEXT_TOP "Rekindle is taken off this computer. Your keys, the copies of your boards and your settings stay where they are: in AppData\Local\rekindle."

!insertmacro MUI_PAGE_WELCOME
!define MUI_PAGE_HEADER_TEXT "Licence"
!define MUI_PAGE_HEADER_SUBTEXT "Rekindle is free software: use it, copy it, change it."
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
!define MUI_PAGE_HEADER_TEXT "Folder"
!define MUI_PAGE_HEADER_SUBTEXT "Where Rekindle goes. You need not change anything."
!define MUI_DIRECTORYPAGE_TEXT_TOP "Rekindle goes into this folder. Any other one that is yours will do as well. Keys and settings are kept elsewhere."
!define MUI_DIRECTORYPAGE_TEXT_DESTINATION "Folder"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!define MUI_INSTFILESPAGE_FINISHHEADER_TEXT "Rekindle is off this computer"
!define MUI_INSTFILESPAGE_FINISHHEADER_SUBTEXT "Your keys and settings are still in AppData\Local\rekindle."
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Nothing is replaced or removed while it runs: half of one version with half of another would not start.
!macro END_IF_RUNNING un
  Function ${un}EndIfRunning
    again:
    System::Call 'kernel32::OpenMutexW(i 0x00100000, i 0, w "RekindleIsOpen") p .r0' ; SYNCHRONIZE; launcher.c makes it
    ${If} $0 P<> 0
      System::Call 'kernel32::CloseHandle(p r0)'
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Rekindle is open. Close it, then try again.$\r$\n$\r$\nIf a rescue is going on, let it end first." /SD IDCANCEL IDRETRY again
      SetErrorLevel 3
      Quit
    ${EndIf}
  FunctionEnd
!macroend
!insertmacro END_IF_RUNNING ""
!insertmacro END_IF_RUNNING "un."

; Two setups at once would each lay out half of what the other takes away. Windows lets go of it when this one ends.
!macro END_IF_SECOND un
  Function ${un}EndIfSecond
    System::Call 'kernel32::CreateMutexW(p 0, i 0, w "RekindleSetupIsOpen") p .r0 ?e'
    Pop $0
    ${If} $0 = 183 ; ERROR_ALREADY_EXISTS
      MessageBox MB_OK|MB_ICONEXCLAMATION "Another setup of Rekindle is open. Go on there, or close it first." /SD IDOK
      SetErrorLevel 3
      Quit
    ${EndIf}
  FunctionEnd
!macroend
!insertmacro END_IF_SECOND ""
!insertmacro END_IF_SECOND "un."

; For PROBES: whether another program has a file open. Leaves its name in $R9.
!macro Probe name
  Push "${name}"
  Call un.Probe
!macroend
!define Probe "!insertmacro Probe"
Function un.Probe
  Exch $0
  ${If} $R9 == ""
  ${AndIf} ${FileExists} "$0"
    ClearErrors
    FileOpen $1 "$0" a
    ${If} ${Errors}
      StrCpy $R9 "$0"
    ${Else}
      FileClose $1
    ${EndIf}
  ${EndIf}
  Pop $0
FunctionEnd

Function un.EndIfInUse
  again:
  StrCpy $R9 ""
  !include "${PROBES}"
  ${If} $R9 != ""
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Another program has this file of Rekindle open:$\r$\n$R9$\r$\n$\r$\nClose that program, then try again. Nothing was changed." /SD IDCANCEL IDRETRY again
    SetErrorLevel 3
    Quit
  ${EndIf}
FunctionEnd

Function .onInit
  ${IfNot} ${AtLeastWin10}
  ${OrIfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "Rekindle needs Windows 10 or 11, 64-bit." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  SetShellVarContext current
  Call EndIfSecond
  ; What a newer version has kept, an older one may not be able to read.
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/OLDER=" $1
  ReadRegStr $2 HKCU "${KEY}" "DisplayVersion"
  ReadRegStr $3 HKCU "${KEY}" "VersionNumbers"
  ${If} $3 != ""
  ${AndIf} $1 != 1
    ${VersionCompare} "$3" "${VERSION4}" $4
    ${If} $4 = 1
      MessageBox MB_YESNO|MB_ICONEXCLAMATION|MB_DEFBUTTON2 "Rekindle $2 is installed. That is newer than this one, ${VERSION}, which may not be able to read all that the newer one has kept.$\r$\n$\r$\nReplace it by the older one?" /SD IDNO IDYES older
      SetErrorLevel 4
      Quit
      older:
    ${EndIf}
  ${EndIf}
FunctionEnd

Function un.onInit
  SetShellVarContext current
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${If} ${Errors} ; else the setup of the next version is the one that is open, and waits
    Call un.EndIfSecond
  ${EndIf}
FunctionEnd

; Have the version in the folder $R0 removed by itself: it knows best what it brought.
Function RemoveBefore
  again:
  DetailPrint "Removing the version before"
  SetDetailsPrint none ; the command is nothing to read
  ExecWait '"$R0\Uninstall.exe" /S /UPGRADE _?=$R0' $1
  SetDetailsPrint lastused
  ${If} $1 = 3
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Rekindle, or one of its files, is open in another program. Close that program, then try again. Nothing was changed." /SD IDCANCEL IDRETRY again
    SetErrorLevel 3
    Quit
  ${ElseIf} $1 <> 0
    MessageBox MB_OK|MB_ICONSTOP "The version before cannot be removed." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  Delete "$R0\Uninstall.exe" ; it could not delete itself
  RMDir "$R0"
FunctionEnd

; End while nothing is changed yet, if what is to come does not fit.
Function EndIfNoRoom
  ${GetRoot} "$INSTDIR" $0
  ${DriveSpace} "$0\" "/D=F /S=M" $1
  IntOp $2 ${KILOBYTES} / 1024
  IntOp $2 $2 + 10 ; folders and the uninstaller
  ${If} $1 != ""
  ${AndIf} $1 < $2
    MessageBox MB_OK|MB_ICONSTOP "There is not enough room on $0. Rekindle needs $2 MB, and $1 MB are free. Nothing was changed." /SD IDOK
    SetErrorLevel 5
    Quit
  ${EndIf}
FunctionEnd

Function DesktopIcon
  CreateShortcut "$DESKTOP\Rekindle.lnk" "$INSTDIR\Rekindle.exe"
FunctionEnd

Section "Rekindle"
  Call EndIfRunning
  Call EndIfNoRoom
  ; One Rekindle for a person: the one before goes, wherever it is. A folder that was chosen now may have an uninstaller
  ; of something else in it; only beside Rekindle.exe it is ours (of a setup that did not come to its end).
  ReadRegStr $R0 HKCU "${KEY}" "InstallLocation"
  ${If} $R0 != ""
  ${AndIf} ${FileExists} "$R0\Uninstall.exe"
    Call RemoveBefore
  ${EndIf}
  ${If} $R0 != $INSTDIR
    StrCpy $R0 $INSTDIR
    ${If} ${FileExists} "$R0\Uninstall.exe"
    ${AndIf} ${FileExists} "$R0\Rekindle.exe"
      Call RemoveBefore
    ${EndIf}
  ${EndIf}

  SetOverwrite on
  SetOutPath "$INSTDIR"
  ; First of all: should the computer stop in the middle, this takes away what is there, and the next setup asks it to.
  ClearErrors
  WriteUninstaller "$INSTDIR\Uninstall.exe"
  ${If} ${Errors}
    MessageBox MB_OK|MB_ICONSTOP "Nothing can be written to $INSTDIR. Start the setup again and choose another folder." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  WriteRegStr HKCU "${KEY}" "DisplayName" "Rekindle"
  WriteRegStr HKCU "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${KEY}" "VersionNumbers" "${VERSION4}"
  WriteRegStr HKCU "${KEY}" "Publisher" "The Rekindle contributors"
  WriteRegStr HKCU "${KEY}" "DisplayIcon" "$INSTDIR\Rekindle.exe"
  WriteRegStr HKCU "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${KEY}" "UninstallString" '"$INSTDIR\Uninstall.exe"'
  WriteRegStr HKCU "${KEY}" "QuietUninstallString" '"$INSTDIR\Uninstall.exe" /S'
  WriteRegDWORD HKCU "${KEY}" "EstimatedSize" ${KILOBYTES}
  WriteRegDWORD HKCU "${KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${KEY}" "NoRepair" 1

  !include "${CONTENT}"
  SetOutPath "$INSTDIR"

  CreateShortcut "$SMPROGRAMS\Rekindle.lnk" "$INSTDIR\Rekindle.exe"
  ${GetParameters} $0
  ${GetOptions} $0 "/DESKTOP=" $1
  ${If} $1 == 1
    Call DesktopIcon
  ${EndIf}
SectionEnd

Section "Uninstall"
  Call un.EndIfRunning
  Call un.EndIfInUse
  !include "${REMOVAL}"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${If} ${Errors} ; an upgrade keeps the icons: a person may have moved them
    Delete "$SMPROGRAMS\Rekindle.lnk"
    Delete "$DESKTOP\Rekindle.lnk"
    DeleteRegKey HKCU "${KEY}"
  ${EndIf}
  Delete "$INSTDIR\Uninstall.exe"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR" ; only if nothing of the person's is in it
  ClearErrors
SectionEnd
